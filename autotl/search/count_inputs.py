"""What heads are fitted on where the features are counts of words.

Heads that take sparse matrices get all counts, and weigh them by TF-IDF as the first step of their fit. For the others
the most frequent columns are weighted once, by the development items: heads on components get their leading singular
directions (latent semantic analysis, Deerwester et al. 1990), the rest the columns themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.errors import PluginError
from autotl.features.word_counts import CountFeatures
from autotl.interfaces import Head
from autotl.runtime.blas_threads import limit_threads
from autotl.training.tfidf import Counts, Tfidf, fit_tfidf
from autotl.trial import Reading

if TYPE_CHECKING:
    import onnx
    from scipy.sparse import csr_matrix

DENSE_COLUMNS, PROJECTED_COLUMNS = 2_000, 10_000
"""The most columns that a head without sparse matrices gets, and that directions are made of; as many of each stage."""
DIRECTIONS = 256
_AXES_ITEMS = 5_000


@dataclass(frozen=True, eq=False)
class CountMap:
    """The map from counts to what a head without sparse matrices is fitted on.

    columns: those that it reads, int (n_read,), by stage; tfidf: their weights. axes: float32 (n_read, n_directions);
    None where the head gets the weighted columns themselves.
    """

    n_columns: int
    columns: np.ndarray
    tfidf: Tfidf
    axes: np.ndarray | None

    def __call__(self, counts: Counts) -> np.ndarray:
        """Float32 (n, n_read) or (n, n_directions)."""
        weighted = self._weighted(counts)
        return np.asarray(weighted.toarray() if self.axes is None else weighted @ self.axes)

    def to_onnx(self) -> onnx.ModelProto:
        """The map as a graph from `features` to `components`."""
        from onnx import helper

        from autotl.graphs.blocks import affine, matrices
        from autotl.graphs.surgery import join, keep_output
        from autotl.graphs.tfidf import WEIGHTED

        n_read = len(self.columns)
        gather = helper.make_node("Gather", ["features", "columns"], ["read"], axis=1)
        columns = {"columns": self.columns.astype(np.int64)}
        graph = matrices([gather], [("features", self.n_columns)], [("read", n_read)], columns)
        graph = join(graph, self.tfidf.to_onnx(), {"read": "features"})
        if self.axes is None:
            return keep_output(graph, WEIGHTED, "components")
        turned = affine(self.axes, np.zeros(self.axes.shape[1]), "weighted", "components")
        return join(graph, turned, {WEIGHTED: "weighted"})

    def to_keras(self, _head: Any) -> Any:
        """Raise PluginError: counts are frozen."""
        raise PluginError("word counts have no network that could be fine-tuned")

    def _weighted(self, counts: Counts) -> csr_matrix:
        return self.tfidf(Counts(counts.matrix[:, self.columns], self.tfidf.blocks))


def read_counts(features: CountFeatures, reading: Reading, items: np.ndarray) -> Counts:
    """The counts of a reading, with the columns of each stage as a block."""
    columns = features.network.select(reading.stage, reading.pooling)
    blocks = tuple(column.stop - column.start for column in columns)
    return Counts(features.read(reading.stage, reading.pooling, items), blocks)


def map_for(head: Head, counts: Counts, *, seed: int) -> CountMap | None:
    """What makes a head's inputs from counts, fitted on those of development items; None where it takes the counts."""
    if head.sparse:
        return None
    columns, blocks = _leading(counts, PROJECTED_COLUMNS if head.on_components else DENSE_COLUMNS)
    leading = Counts(counts.matrix[:, columns], blocks)
    tfidf = fit_tfidf(leading)
    axes = _directions(tfidf(leading), seed=seed) if head.on_components else None
    return CountMap(counts.shape[1], columns, tfidf, axes)


def spread_out(counts: Counts, items: np.ndarray, n_items: int) -> Counts:
    """Counts of all items of a run, of which some were read: the rows of the others are empty."""
    from scipy.sparse import csr_matrix

    matrix = counts.matrix
    lengths = np.zeros(n_items + 1, dtype=np.int64)
    lengths[items + 1] = np.diff(matrix.indptr)
    shape = (n_items, matrix.shape[1])
    return Counts(csr_matrix((matrix.data, matrix.indices, np.cumsum(lengths)), shape=shape), counts.blocks)


def _leading(counts: Counts, most: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """The columns that most items have, of each block as many, in order, and how many of each block."""
    n_with = np.bincount(counts.matrix.indices, minlength=counts.shape[1])
    chosen, start = [], 0
    for width in counts.blocks:
        order = np.argsort(-n_with[start : start + width], kind="stable")
        chosen.append(start + np.sort(order[: most // len(counts.blocks)]))
        start += width
    return np.concatenate(chosen), tuple(len(part) for part in chosen)


def _directions(weighted: csr_matrix, *, seed: int) -> np.ndarray:
    """The right singular vectors of the largest singular values, float32 (n_columns, n_directions)."""
    from sklearn.utils.extmath import randomized_svd

    n = weighted.shape[0]
    if n > _AXES_ITEMS:
        weighted = weighted[np.sort(np.random.default_rng(seed).choice(n, _AXES_ITEMS, replace=False))]
    n_directions = min(DIRECTIONS, *weighted.shape)
    with limit_threads(1):
        _, _, axes = randomized_svd(weighted, n_directions, n_iter=4, random_state=seed)
    return np.ascontiguousarray(axes.T, dtype=np.float32)
