"""Costs of trials from what this process has measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autotl.data.split import Split
from autotl.features.clip_network import N_FRAMES
from autotl.interfaces import Backbone, ClipEncoder, FeatureSource, Joined, Size, WordCounts
from autotl.search.feature_reader import FeatureReader
from autotl.search.fine_tune_cost import Estimate, estimate_seconds, stage_work, step_depths
from autotl.search.fold_costs import FoldCosts
from autotl.trial import Candidate, TrialRecord

CAUTIOUS_TEXTS_PER_SECOND = 500
"""Texts whose words are counted on one busy core; used until something was measured."""
CAUTIOUS_PIXELS_PER_SECOND = 60 * 224 * 224
"""What a small network reads on two busy cores; used until something was measured."""

NOT_AT_ALL = 1e-12
"""Images per second where there are no images: longer than any budget."""


class MeasuredCosts:
    """Costs on the items of one split, from what this process has measured; implements `TrialCosts`.

    default_head: the one whose cost stands for those not yet seen. sources: that may be read, by name, and the parts of
    joined ones, which are read one after the other. told: called with each head and what a fold of it took.
    """

    def __init__(
        self, split: Split, reader: FeatureReader, default_head: str, sources: Mapping[str, FeatureSource] | None = None
    ) -> None:  # fmt: skip
        self.told: Callable[[str, float], None] = lambda _head, _seconds: None
        self._sources = sources or {}
        self._split, self._reader = split, reader
        self._folds = FoldCosts(default_head)
        self._work_per_pixel: dict[str, dict[str, float]] = {}

    def has_features(self, backbone: str, size: Size) -> bool:
        """Whether the features of every item have been read."""
        if isinstance(source := self._sources.get(backbone), Joined):
            return all(self._reader.has_features(part.name, own) for part, own in source.places(size))
        return self._reader.has_features(backbone, size)

    def images_per_second(self, backbone: str, size: Size) -> float:
        """How fast a frozen backbone reads items of a size: as measured, else half of the slowest other of its kind."""
        if not self._reader.has_items:
            return NOT_AT_ALL
        source, measured = self._sources.get(backbone), self._reader.pixels_per_second
        if isinstance(source, Joined):
            return 1 / sum(1 / self.images_per_second(part.name, own) for part, own in source.places(size))
        if isinstance(source, WordCounts) and backbone not in measured:
            return CAUTIOUS_TEXTS_PER_SECOND
        cautious = CAUTIOUS_PIXELS_PER_SECOND / (N_FRAMES if isinstance(source, ClipEncoder) else 1)
        alike = (speed for name, speed in measured.items() if self._are_alike(source, self._sources.get(name)))
        others = min(alike, default=2 * cautious)
        return measured.get(backbone, others / 2) / (size[0] * size[1])

    @staticmethod
    def _are_alike(one: FeatureSource | None, other: FeatureSource | None) -> bool:
        """Whether the speed of one tells of the other: a pixel, a token and a count of words take different times."""
        if one is None or other is None:
            return True
        return one.modality == other.modality and not isinstance(other, WordCounts)

    def reading_seconds(self, backbone: str, size: Size) -> float:
        """Seconds of reading the features that are not in the cache; 0 where that is done."""
        if isinstance(source := self._sources.get(backbone), Joined):
            return sum(self.reading_seconds(part.name, own) for part, own in source.places(size))
        return self._reader.n_missing(backbone, size) / self.images_per_second(backbone, size)

    def learn(self, head: str, seconds: float) -> None:
        """Take note of what one fold of cross-validating a head took."""
        self._folds.learn(head, seconds)
        self.told(head, seconds)

    def has_seen(self, head: str) -> bool:
        """Whether a fold of the head was measured."""
        return self._folds.has_seen(head)

    def probe_cost(self, head: str, *, network: bool = False) -> float:
        """Seconds of cross-validating a head whose features are read."""
        return self._split.n_folds * self.fit_cost(head, network=network)

    def fit_cost(self, head: str, *, network: bool = False) -> float:
        """Seconds of one fold."""
        return self._folds.per_fold(head, network=network)

    def fine_tune_seconds(
        self, candidate: Candidate, measured: Sequence[TrialRecord] = (), *, cached: bool = True
    ) -> Estimate:
        """Seconds of a fine-tune trial; cached=False: where activations cannot be kept."""
        assert candidate.training is not None
        reading = candidate.reading
        return estimate_seconds(
            self.stage_work(candidate.network, reading.size),
            stage=reading.stage,
            trainable_stages=candidate.training.trainable_stages,
            n_train=len(self._split.train),
            n_validation=len(self._split.validation),
            images_per_second=self.images_per_second(*reading.place),
            measured=[t.training for t in measured if t.reading and t.reading.place == reading.place],
            cached=cached,
        )

    def step_depths(self, candidate: Candidate) -> tuple[int, ...]:
        """How many stages to train, one after the other, above the candidate's reading."""
        return step_depths(self.stage_work(candidate.network, candidate.reading.size), candidate.reading.stage)

    def stage_work(self, backbone: Backbone, size: Size, network: Any = None) -> dict[str, float]:
        """Multiplications of each stage for one image; network: the Keras model, built once where it is not given.

        They go with the area, so that those of one size give those of the others.
        """
        if backbone.name not in self._work_per_pixel:
            work = stage_work(network or backbone.build(*size))
            self._work_per_pixel[backbone.name] = {stage: n / math.prod(size) for stage, n in work.items()}
        return {stage: n * math.prod(size) for stage, n in self._work_per_pixel[backbone.name].items()}
