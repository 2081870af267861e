"""The items that a model is given in Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def read_items(items: object, run: Path, modality: str) -> list[Any]:
    """The items as the model of a run takes them; see `autotl.deploy.prediction_files.collect`."""
    from autotl.deploy.prediction_files import collect, columns_of_run
    from autotl.settings import settings

    return collect(items, cache=settings().cache, usual=columns_of_run(run), modality=modality)


def index_of(items: object, answers: Sequence[object]) -> pd.Index | None:
    """The index of items that are a Series or a DataFrame, each with one answer."""
    index = getattr(items, "index", None) if hasattr(items, "iloc") else None
    return index if index is not None and len(index) == len(answers) else None
