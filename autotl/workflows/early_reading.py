"""What the search will need first, made ready beside the scan: Keras, the graph of the untuned default, its features.

import Keras, write the graph --+
examined images (facts) --------+--> network --> engine --> features in the cache
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from contextlib import suppress

import numpy as np

from autotl.data.dataset import Dataset
from autotl.data.split import reading_order
from autotl.interfaces import FeatureSource, WordCounts, parts_of
from autotl.plugins import Plugins
from autotl.runs.config import Config
from autotl.runs.events import EngineChosen, Event, FeaturesRead
from autotl.runtime import keras_backend
from autotl.settings import Settings
from autotl.trial import format_size

_SHARED = ("scipy.cluster.hierarchy", "sklearn.model_selection", "sklearn.tree")
"""What dividing and checking the data imports, too."""
_FEWEST_ITEMS = 1000
"""Fewer are read within seconds once the search begins."""
_SHARE = 0.75
"""The search finds out how fast this machine reads from what is left to it."""
_FIRST_ITEMS = 64
"""With so many the engine is chosen; see `engine_choice.SAMPLE_ITEMS`."""
_STEPS_BACK = 10
"""Reading takes what the scan leaves of the cores (Linux: man 7 sched, "the nice value")."""


class EarlyReading:
    """Two threads beside the scan: one imports and writes the graph, one reads features once images are examined.

    Neither raises: what goes wrong is reported where the search does the same. Features are kept by content, so the
    search finds what was read before it began.
    """

    def __init__(self, config: Config, plugins: Plugins, settings: Settings) -> None:
        self._config, self._plugins, self._settings = config, plugins, settings
        self._ended, self._shared = threading.Event(), threading.Event()
        self._modality = ""
        self._events: list[Event] = []
        self._reading: threading.Thread | None = None
        keras_backend.prepare()
        self._loading = threading.Thread(target=self._load, daemon=True)

    def __enter__(self) -> EarlyReading:
        return self

    def __exit__(self, *_: object) -> None:
        """Read no more, without waiting for what is being read."""
        self._ended.set()

    def begin(self, modality: str) -> None:
        """Begin to import. modality: the kind of the items, by its name."""
        self._modality = modality
        self._loading.start()

    def examined(self, dataset: Dataset) -> None:
        """Begin to read the features of the items of a dataset, whose pairs need not be known."""
        if self._config.workers == 1 and len(dataset.items) >= _FEWEST_ITEMS:
            self._reading = threading.Thread(target=self._read_quietly, args=(dataset,), daemon=True)
            self._reading.start()

    def wait_for_shared(self) -> None:
        """Wait until the packages are imported that a scan needs too.

        Two threads that import parts of one package at the same moment may meet it half imported.
        """
        self._shared.wait()

    def end(self) -> list[Event]:
        """Wait until Keras is loaded and what is being read is kept; returns what there is to tell."""
        self._ended.set()
        self._loading.join()
        if self._reading:
            self._reading.join()
        return self._events

    def _load(self) -> None:
        try:
            for name in _SHARED:
                importlib.import_module(name)
        finally:
            self._shared.set()
        keras_backend.load()
        # Imported here, because what they need imports Keras.
        from autotl.features.freezing import freeze
        from autotl.workflows import run_study  # noqa: F401 - imported here so that it is there when it is called

        with suppress(Exception):
            for part in parts_of(self._default()):
                if not isinstance(part, WordCounts):
                    freeze(part, part.sizes[0], cache=self._settings.cache, version=self._version(part))

    def _default(self) -> FeatureSource:
        from autotl.search.sources import sources_of

        return next(iter(sources_of(self._config, self._plugins, self._modality).values()))

    def _version(self, backbone: FeatureSource) -> str:
        from autotl.search.sources import source_version

        return source_version(backbone, self._plugins)

    def _read_quietly(self, dataset: Dataset) -> None:
        self._loading.join()
        with suppress(Exception):
            self._read(dataset)

    def _read(self, dataset: Dataset) -> None:
        from autotl.errors import OutOfTimeError
        from autotl.features.features import extract
        from autotl.features.freezing import freeze

        default = parts_of(self._default())[0]  # of several the first, which takes longest
        if isinstance(default, WordCounts):  # whose vocabulary depends on the split
            return
        dataset = dataset.part(default.modality)
        size, cache, engine = default.sizes[0], self._settings.cache, self._settings.engine
        network = freeze(default, size, cache=cache, version=self._version(default))
        order = np.argsort(reading_order(len(dataset.items), seed=self._config.seed))
        items = order[: int(_SHARE * len(order))]
        began, done = time.monotonic(), 0
        # First of all the engine is chosen, which must not step back: the search would wait for it.
        first = extract(
            dataset, network, cache=cache, engine=engine, items=items[:_FIRST_ITEMS], out_of_time=self._ended.is_set,
            tell=lambda text: self._events.append(EngineChosen(text)), shared=self._settings.shared,
        )  # fmt: skip
        _step_back()

        def progress(now_done: int, _: int) -> None:
            nonlocal done
            done = now_done

        with suppress(OutOfTimeError):
            extract(
                dataset, network, cache=cache, engine=engine, items=items, out_of_time=self._ended.is_set,
                progress=progress, shared=self._settings.shared,
            )  # fmt: skip
        if computed := first.computed + done:
            seconds = round(time.monotonic() - began, 2)
            self._events.append(
                FeaturesRead(
                    default.name,
                    format_size(size),
                    computed,
                    0,
                    seconds,
                    network.n_features,
                    first.engine,
                    round(computed / max(seconds, 1e-3), 1),
                    dataset.modality,
                )
            )


def _step_back() -> None:
    """Let this thread, and those it starts from now on, take only what others leave of the cores."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _STEPS_BACK)
