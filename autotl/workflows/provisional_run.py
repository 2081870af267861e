"""A run that lasts as long as something is looked at with the untuned default, before there is a split."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.data.dataset import Dataset
from autotl.data.split import Split
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.events import Listener
from autotl.runs.run import create
from autotl.runtime import keras_backend
from autotl.settings import Settings

if TYPE_CHECKING:
    from autotl.search.context import SearchContext


@contextmanager
def provisional_run(
    config: Config, dataset: Dataset, split: Split, plugins: Plugins, settings: Settings, *,
    listeners: tuple[Listener, ...], seconds_left: Callable[[], float] = lambda: float("inf"),
) -> Iterator[SearchContext]:  # fmt: skip
    """The context of a run in a temporary folder; the features that are read stay in the cache for the search."""
    keras_backend.load()  # without the noise of its backend
    from autotl.search.context import open_context  # what it needs imports Keras

    with tempfile.TemporaryDirectory() as folder:
        run = create(replace(config, run=Path(folder) / "run"), dataset, split, listeners)
        yield open_context(run, plugins, settings=settings, seconds_left=seconds_left)
