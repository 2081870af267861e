"""What heads are fitted on: features as they were read, or their principal components; counts of words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autotl.features.word_counts import CountFeatures
from autotl.interfaces import WordCounts
from autotl.runs.run import Run
from autotl.search.count_inputs import map_for, read_counts, spread_out
from autotl.search.feature_reader import FeatureReader
from autotl.training.components import PrincipalComponents, fit_components, read_in_blocks
from autotl.training.count_maps import CountMap
from autotl.trial import Candidate, Reading

_KEPT_BYTES = 400_000_000
"""Vectors kept in memory; the others are computed again."""


@dataclass(frozen=True, eq=False)
class HeadInputs:
    """Vectors of all items of a run.

    vectors: float32 (n_items, n), zero for the items that are left out; `Counts` where the head weighs counts of words
        by itself. components: how they came from features; None if they are the features themselves.
    """

    vectors: Any
    components: PrincipalComponents | CountMap | None


class InputCache:
    """Computes what heads are fitted on, and keeps the latest in memory."""

    def __init__(self, run: Run, reader: FeatureReader) -> None:
        self._run, self._reader = run, reader
        self._kept: dict[tuple[Reading, bool, bool], HeadInputs] = {}

    def get(self, candidate: Candidate) -> HeadInputs:
        """What the candidate's head is fitted on; its features are read where they were not."""
        sparse = candidate.head.sparse and isinstance(candidate.backbone, WordCounts)
        key = (candidate.reading, candidate.head.on_components, sparse)
        if key not in self._kept:
            found = self._compute(candidate)
            self._make_room(found.vectors.nbytes)
            self._kept[key] = found
        return self._kept[key]

    def get_arrays(self, candidate: Candidate) -> np.ndarray:
        """As the vectors of `get`, but always an array: of counts their leading directions."""
        vectors = self.get(candidate).vectors
        if isinstance(vectors, np.ndarray):
            return vectors
        found = self.get(replace(candidate, head=replace(candidate.head, sparse=False, on_components=True))).vectors
        return np.asarray(found)

    def _compute(self, candidate: Candidate) -> HeadInputs:
        reading, used, n_items = candidate.reading, self._reader.used, len(self._run.dataset.items)
        features = self._reader.features(candidate.backbone, reading.size)
        if isinstance(features, CountFeatures):
            return self._of_counts(candidate, features)

        def read(items: np.ndarray) -> np.ndarray:
            return features.read(reading.stage, reading.pooling, items)

        components = None
        if candidate.head.on_components:
            components = fit_components(read, self._run.split.development, seed=self._run.config.seed)
        n_columns = len(components.offset) if components else read(used[:1]).shape[1]
        self._make_room(n_items * n_columns * np.dtype(np.float32).itemsize)
        return HeadInputs(read_in_blocks(read, components, used, (n_items, n_columns)), components)

    def _make_room(self, n_bytes: int) -> None:
        """Forget the oldest vectors until so many more bytes may be kept; before they are read, not to hold both."""
        others = sum(inputs.vectors.nbytes for inputs in self._kept.values())
        while self._kept and others + n_bytes > _KEPT_BYTES:
            others -= self._kept.pop(next(iter(self._kept))).vectors.nbytes

    def _of_counts(self, candidate: Candidate, features: CountFeatures) -> HeadInputs:
        used, n_items = self._reader.used, len(self._run.dataset.items)
        counts = spread_out(read_counts(features, candidate.reading, used), used, n_items)
        found = map_for(candidate.head, counts[self._run.split.development], seed=self._run.config.seed)
        return HeadInputs(found(counts) if found else counts, found)
