"""Dense inputs made of word counts, for heads that take no sparse matrices.

The most frequent columns are weighted by TF-IDF, fitted on development items without labels. Heads on components get
their leading singular directions (latent semantic analysis, Deerwester et al. 1990), the others the columns themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.errors import PluginError
from autotl.runtime.blas_threads import limit_threads
from autotl.training.tfidf import Counts, Tfidf, fit_tfidf

if TYPE_CHECKING:
    import onnx
    from scipy.sparse import csr_matrix

DENSE_COLUMNS, PROJECTED_COLUMNS = 2_000, 10_000
"""The most columns that a head without sparse matrices gets, and that directions are made of; as many of each stage."""
DIRECTIONS = 256
MOST_NUMBERS, _FEWEST_COLUMNS = 100_000_000, 200
"""Of many items fewer columns are made dense, so that they take no more than 400 MB."""
_AXES_ITEMS = 5_000


@dataclass(frozen=True, eq=False)
class CountMap:
    """The map from counts to what a head without sparse matrices is fitted on.

    columns: those that it reads, int (n_read,), by stage; tfidf: their weights. axes: float32 (n_read, n_directions);
    None if the head gets the weighted columns themselves.
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


def fit_count_map(counts: Counts, *, directions: bool, seed: int) -> CountMap:
    """Choose the columns that most of these items have, weigh them, and find their directions if asked to."""
    dense = min(DENSE_COLUMNS, max(_FEWEST_COLUMNS, MOST_NUMBERS // max(1, len(counts))))
    columns, blocks = _leading(counts, PROJECTED_COLUMNS if directions else dense)
    leading = Counts(counts.matrix[:, columns], blocks)
    tfidf = fit_tfidf(leading)
    axes = _directions(tfidf(leading), seed=seed) if directions else None
    return CountMap(counts.shape[1], columns, tfidf, axes)


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
