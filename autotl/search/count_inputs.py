"""Counts of words as what heads are fitted on.

Heads that take sparse matrices get all counts, and weigh them by TF-IDF as the first step of their fit; the others get
what `CountMap` makes of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autotl.features.features import Features
from autotl.features.joined_features import JoinedFeatures
from autotl.features.word_counts import CountFeatures
from autotl.interfaces import Head
from autotl.training.components import fit_components
from autotl.training.count_maps import CountMap, fit_count_map
from autotl.training.tfidf import Counts
from autotl.trial import Reading


def read_counts(features: CountFeatures, reading: Reading, items: np.ndarray) -> Counts:
    """The counts of a reading, with the columns of each stage as a block."""
    columns = features.network.select(reading.stage, reading.pooling)
    blocks = tuple(column.stop - column.start for column in columns)
    return Counts(features.read(reading.stage, reading.pooling, items), blocks)


def read_values(features: Features | CountFeatures | JoinedFeatures, reading: Reading, items: np.ndarray) -> Any:
    """What a reading gives of some items: float32 (n, n_columns), or `Counts`."""
    if isinstance(features, CountFeatures):
        return read_counts(features, reading, items)
    return features.read(reading.stage, reading.pooling, items)


def sample_vectors(head: Head, values: Any) -> Any:
    """What a head on components is fitted on where it only sees a sample, of which these values were read."""
    if isinstance(values, Counts):
        found = map_for(head, values, seed=0)
        return found(values) if found else values
    return fit_components(values.__getitem__, np.arange(len(values)), seed=0)(values)


def map_for(head: Head, counts: Counts, *, seed: int) -> CountMap | None:
    """What makes a head's inputs from counts, fitted on those of development items; None if it takes the counts."""
    return None if head.sparse else fit_count_map(counts, directions=head.on_components, seed=seed)


def spread_out(counts: Counts, items: np.ndarray, n_items: int) -> Counts:
    """Counts of all items of a run, of which some were read: the rows of the others are empty."""
    from scipy.sparse import csr_matrix

    matrix = counts.matrix
    lengths = np.zeros(n_items + 1, dtype=np.int64)
    lengths[items + 1] = np.diff(matrix.indptr)
    shape = (n_items, matrix.shape[1])
    return Counts(csr_matrix((matrix.data, matrix.indices, np.cumsum(lengths)), shape=shape), counts.blocks)
