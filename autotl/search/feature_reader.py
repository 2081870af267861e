"""Reading features: each backbone and size once per process, with progress, and within the limits of the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from autotl.cache.eviction import evict
from autotl.cache.shared_records import take_warnings
from autotl.data.split import LEFT_OUT_FOLD
from autotl.features.crops import KeptCrop, corners_of, keep_crop
from autotl.features.decoded_images import read_pixels
from autotl.features.features import Features, extract
from autotl.features.freezing import freeze
from autotl.features.frozen_network import FrozenNetwork
from autotl.features.joined_features import JoinedFeatures, join_features
from autotl.features.quantised_network import is_made, quantise, quantised_by
from autotl.features.word_counts import CountFeatures, read_word_counts
from autotl.interfaces import Backbone, Encoder, FeatureSource, Joined, Size, WordCounts
from autotl.plugins import Plugins
from autotl.runs.crops import CROPS_KEY, crop_words
from autotl.runs.events import EngineChosen, FeaturesRead, Message, Progress, StageBegun
from autotl.runs.run import Run
from autotl.runtime.blas_threads import threads_per_worker
from autotl.search.sources import source_version
from autotl.settings import Settings
from autotl.trial import format_size

_GRACE_SECONDS = 600.0
"""What was used that long before this process began is taken to be in use by this run."""
_PROGRESS_SECONDS = 0.5
"""Every event is a line in a file."""
AnyFeatures = Features | CountFeatures | JoinedFeatures


class FeatureReader:
    """Reads the features of a run's items; what was read before, in any run, comes from the cache.

    used: int (n,), the items that are not left out. pixels_per_second: how fast each backbone was where it read
    something, by name; readers of several splits may share it. process: the number of this process among those of the
    run, from 0. has_items: whether the items are on this machine; without them only what is cached can be read.
    """

    def __init__(
        self, run: Run, plugins: Plugins, *, settings: Settings, seconds_left: Callable[[], float],
        pixels_per_second: dict[str, float] | None = None, process: int = 0,
    ) -> None:  # fmt: skip
        self.process, self.has_items = process, True
        self.used = np.flatnonzero(run.split.fold != LEFT_OUT_FOLD)
        self.pixels_per_second: dict[str, float] = {} if pixels_per_second is None else pixels_per_second
        self._run, self._plugins, self._settings, self._seconds_left = run, plugins, settings, seconds_left
        self._started = time.time()
        self._read: dict[tuple[str, Size], AnyFeatures] = {}
        self._complete: set[tuple[str, Size]] = set()
        self._frozen: dict[tuple[str, Size], FrozenNetwork] = {}

    def has_features(self, backbone: str, size: Size) -> bool:
        """Whether the features of every item that is used have been read."""
        return (backbone, size) in self._complete

    def n_missing(self, backbone: str, size: Size) -> int:
        """How many of the items that are used are not in the cache, as far as is known."""
        if self.has_features(backbone, size):
            return 0
        found = self._read.get((backbone, size))
        return found.n_missing(self.used) if found else len(self.used)

    def features(self, backbone: FeatureSource, size: Size, items: np.ndarray | None = None) -> AnyFeatures:
        """The features, on disk: from the cache, or computed; of every item that is used, or of these items only.

        Raises OutOfTimeError if the time runs out meanwhile; what was computed until then stays in the cache.
        """
        place = (backbone.name, size)
        if place not in (self._complete if items is None else self._read):
            if isinstance(backbone, Joined):
                self._read[place] = self._join(backbone, size, items)
            else:
                self._read[place] = self._extract(backbone, size, self.used if items is None else items)
            if items is None:
                self._complete.add(place)
        return self._read[place]

    def forget(self, backbone: str, size: Size) -> None:
        """Read the features again when they are asked for next, as after a change of precision."""
        joined = {place for place, found in self._read.items() if isinstance(found, JoinedFeatures)}
        for place in (joined | {(backbone, size)}) & set(self._read):
            self._read.pop(place)
            self._complete.discard(place)

    def crop(self, source: FeatureSource) -> KeptCrop | None:
        """What cuts the images that a source reads; None if it reads whole images."""
        crop = None if isinstance(source, Joined) else source.crop
        return keep_crop(crop, self._settings.cache) if crop else None

    def _join(self, source: Joined, size: Size, items: np.ndarray | None) -> JoinedFeatures:
        """The features of the parts of a joined source, one after the other."""
        parts = [self.features(part, own, items) for part, own in source.places(size)]
        return join_features(source, size, [part for part in parts if isinstance(part, Features)])

    def _network(self, backbone: Backbone | Encoder, size: Size) -> FrozenNetwork:
        """The graph that this run reads features with, in the precision that was chosen for it."""
        place = (backbone.name, size)
        if place not in self._frozen:  # an encoder makes its graph again to find its key, which takes a second
            version = source_version(backbone, self._plugins)
            self._frozen[place] = freeze(backbone, size, cache=self._settings.cache, version=version)
        network = self._frozen[place]
        contents = kept_precision(self._run, backbone.name, size)
        if not contents:
            return network
        quantised = quantised_by(network, contents)
        if is_made(quantised):
            return quantised
        dataset = self._run.dataset.part(backbone.modality)
        known = dataset.items["sha256"].drop_duplicates()
        items = known.index[known.isin(contents)]
        pixels = np.stack([read_pixels(dataset, int(item), size, network.crop) for item in items])
        return quantise(network, pixels, contents)

    def _extract(self, backbone: Backbone | Encoder, size: Size, items: np.ndarray) -> Features | CountFeatures:
        run, cache, dataset = self._run, self._settings.cache, self._run.dataset.part(backbone.modality)
        run.emit(StageBegun("features", backbone.name, format_size(size)))
        features: Features | CountFeatures
        if isinstance(backbone, WordCounts):
            features = read_word_counts(
                dataset, backbone, items, development=run.split.development, cache=cache,
                progress=_ProgressEmitter(run), out_of_time=lambda: self._seconds_left() <= 0,
            )  # fmt: skip
        else:
            features = extract(
                dataset,
                self._network(backbone, size),
                cache=cache,
                progress=_ProgressEmitter(run),
                out_of_time=lambda: self._seconds_left() <= 0,
                threads=threads_per_worker(run.config.workers_here),
                engine=self._settings.engine,
                tell=lambda text: run.emit(EngineChosen(text)),
                items=items,
                process=self.process,
                shared=self._settings.shared,
            )
        tell_of_sharing(run)
        if features.computed:
            self.pixels_per_second[backbone.name] = features.images_per_second * size[0] * size[1]
        if features.computed or self._settings.shared:
            # Other workers of this run may have begun a little earlier.
            used_since = self._started - _GRACE_SECONDS
            evict(cache, limit_bytes=int(self._settings.cache_limit_gb * 1e9), used_since=used_since)
        event = FeaturesRead(
            backbone.name, format_size(size), features.computed, features.reused, round(features.seconds, 2),
            features.network.n_features, features.engine, round(features.images_per_second, 1),
            dataset.modality,
        )  # fmt: skip
        run.emit(event)
        if isinstance(features, Features) and items is self.used:
            self._tell_of_crop(features)
        return features

    def _tell_of_crop(self, features: Features) -> None:
        """Keep and say in how many images a crop found nothing."""
        crop, run = features.network.crop, self._run
        if crop is None:
            return
        n_whole, n = corners_of(crop).n_whole(features.digests[self.used])
        known = run.state().get(CROPS_KEY, {})
        told = {"images": n, "whole": n_whole}
        if n and known.get(crop.name) != told:
            run.update(crops={**known, crop.name: told})
            run.emit(Message(f"{crop.name}: {crop_words(n, n_whole)}"))


def tell_of_sharing(run: Run, *, flush_seconds: float = 0.0) -> None:
    """Say what went wrong with features that are shared; before, wait at most so long until those here are sent."""
    for text in take_warnings(flush_seconds=flush_seconds):
        run.emit(Message(text))


def kept_precision(run: Run, backbone: str, size: Size) -> list[str] | None:
    """What the int8 network of a place is calibrated on, by content; empty for single precision, None if undecided."""
    found = run.state().get("int8", {}).get(f"{backbone} {format_size(size)}")
    return None if found is None else list(found)


def keep_precision(run: Run, backbone: str, size: Size, calibrated_on: Sequence[str]) -> None:
    """Keep what `kept_precision` reads: workers, resumed runs and exports read features as the run did."""
    run.update(int8={**run.state().get("int8", {}), f"{backbone} {format_size(size)}": list(calibrated_on)})


class _ProgressEmitter:
    """Emits how many images of one pass are read, at what rate, and how long the rest will take."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._latest = 0.0
        self._since, self._done_before = 0.0, 0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if not self._since:  # the first batch, after all that had to be set up
            self._since, self._done_before = now, done
        if done == total or now - self._latest >= _PROGRESS_SECONDS:
            self._latest = now
            rate = (done - self._done_before) / max(now - self._since, 1e-3)
            eta_seconds = round((total - done) / rate, 1) if rate else None
            self._run.emit(Progress("features", done, total, round(rate, 1) or None, eta_seconds))
