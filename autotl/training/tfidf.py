"""Counts of words weighted by TF-IDF, fitted on the training items of a head: the first step of heads on word counts.

A count n weighs 1 + ln n (sublinear), times ln((1 + items) / (1 + items with the word)) + 1, as scikit-learn's
TfidfTransformer has it; a word that no training item holds weighs nothing. Words and strings of characters are brought
to one length each, so that the thousand strings of a text do not drown its hundred words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.errors import PluginError
from autotl.training.calibration import Calibration

if TYPE_CHECKING:
    import onnx
    from scipy.sparse import csr_matrix

    from autotl.training.classifiers import Classifier

ROW_LENGTH = 22.4
"""Heads search penalties that are right for rows as long as standardised features are. With it the default of the
logistic head is C = 5 and that of the linear SVM C = 0.15 on rows of length 1; on snippets of films, products and
tweets and on descriptions of packages the best were 1 to 10 and 0.1 to 0.3."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of words of some items, in place of an array of features: rows can be chosen, as in an array.

    matrix: float32 CSR (n, n_columns). blocks: the number of columns of each stage, side by side.
    """

    matrix: csr_matrix
    blocks: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items and of columns."""
        return int(self.matrix.shape[0]), int(self.matrix.shape[1])

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return int(self.matrix.data.nbytes + self.matrix.indices.nbytes + self.matrix.indptr.nbytes)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray | slice) -> Counts:
        return Counts(self.matrix[rows], self.blocks)


def to_arrays(vectors: Any) -> list[np.ndarray]:
    """What heads are fitted on, an array or `Counts`, as plain arrays; `from_arrays` makes it again."""
    if not isinstance(vectors, Counts):
        return [vectors]
    matrix = vectors.matrix
    return [np.array([len(vectors), *vectors.blocks]), matrix.data, matrix.indices, matrix.indptr]


def from_arrays(arrays: Sequence[np.ndarray]) -> Any:
    """Read what `to_arrays` returned."""
    from scipy.sparse import csr_matrix

    if len(arrays) == 1:
        return arrays[0]
    n, *blocks = arrays[0].tolist()
    return Counts(csr_matrix((arrays[1], arrays[2], arrays[3]), shape=(n, sum(blocks))), tuple(blocks))


@dataclass(frozen=True, eq=False)
class Tfidf:
    """The weights of the columns, float32 (n_columns,), and their blocks."""

    weights: np.ndarray
    blocks: tuple[int, ...]

    def __call__(self, counts: Counts) -> csr_matrix:
        """Weighted counts, float32 (n, n_columns); each block of a row has the length ROW_LENGTH, or 0."""
        matrix = counts.matrix.copy()
        block = np.repeat(np.arange(len(self.blocks)), self.blocks)[matrix.indices]
        row = np.repeat(np.arange(len(counts)), np.diff(matrix.indptr))
        part = row * len(self.blocks) + block
        matrix.data = (1 + np.log(matrix.data)) * self.weights[matrix.indices]
        length = np.sqrt(np.bincount(part, matrix.data.astype(np.float64) ** 2, len(counts) * len(self.blocks)))
        factor = np.divide(ROW_LENGTH, length, out=np.zeros_like(length), where=length > 0).astype(np.float32)
        matrix.data *= factor[part]
        return matrix

    def to_onnx(self) -> onnx.ModelProto:
        """The graph from `features`, which are counts, to `weighted_counts`."""
        from autotl.graphs.tfidf import tfidf

        return tfidf(self.weights, self.blocks, ROW_LENGTH)


def fit_tfidf(counts: Counts) -> Tfidf:
    """Weights of the columns by how many of these items have them."""
    n_with = np.bincount(counts.matrix.indices, minlength=counts.shape[1])
    weights = np.log((1 + len(counts)) / (1 + n_with)) + 1
    return Tfidf(np.where(n_with > 0, weights, 0).astype(np.float32), counts.blocks)


class TfidfClassifier:
    """A head that is given counts weighted by TF-IDF, and anything else as it is.

    head: what is fitted on the weighted counts, CSR float32 (n, n_columns).
    """

    def __init__(self, head: Classifier) -> None:
        self._head = head
        self.gives_margins = head.gives_margins
        self._tfidf: Tfidf | None = None

    @property
    def calibration(self) -> Calibration | None:
        """The head's."""
        return self._head.calibration

    @calibration.setter
    def calibration(self, value: Calibration | None) -> None:
        self._head.calibration = value

    def fit(self, vectors: Any, labels: np.ndarray) -> None:
        """Fit the weights, and then the head."""
        self._tfidf = fit_tfidf(vectors) if isinstance(vectors, Counts) else None
        self._head.fit(self._weighted(vectors), labels)

    def answers(self, vectors: Any) -> np.ndarray:
        """Those of the head."""
        return self._head.answers(self._weighted(vectors))

    def probabilities(self, vectors: Any) -> np.ndarray:
        """Those of the head."""
        return self._head.probabilities(self._weighted(vectors))

    def network(self) -> Any:
        """The head as a Keras model; PluginError if it was fitted on counts."""
        if self._tfidf:
            raise PluginError("word counts have no network that could be fine-tuned")
        return self._head.network()

    def to_onnx(self) -> onnx.ModelProto:
        """The weighting and the head as one graph from `features`, which are counts."""
        from autotl.graphs.surgery import join
        from autotl.graphs.tfidf import WEIGHTED

        graph = self._head.to_onnx()
        return join(self._tfidf.to_onnx(), graph, {WEIGHTED: "features"}) if self._tfidf else graph

    def _weighted(self, vectors: Any) -> Any:
        return self._tfidf(vectors) if self._tfidf else vectors
