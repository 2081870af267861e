"""From a classifier's margins to probabilities, by margins of items that it was not fitted on.

Platt 1999 for two classes; with more, a multinomial logistic regression on all margins together.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.blas_threads import limit_threads

if TYPE_CHECKING:
    import onnx

_LOWEST = 1e-6


@dataclass(frozen=True, eq=False)
class Calibration:
    """Probabilities are softmax(margins @ weights + intercept).

    weights: float (n_margins, n_classes); intercept: float (n_classes,).
    """

    weights: np.ndarray
    intercept: np.ndarray

    def probabilities(self, margins: np.ndarray) -> np.ndarray:
        """Float64 (n, n_classes), rows sum to 1; margins: float (n, n_margins)."""
        logits = margins @ self.weights + self.intercept
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def to_onnx(self) -> onnx.ModelProto:
        """The map as a graph from `margins` to `probabilities`."""
        from autotl.graphs.blocks import affine

        return affine(self.weights, self.intercept, "margins", "probabilities", softmax=True)

    def save(self, path: Path) -> None:
        """Write an .npy file, whole or not at all."""
        import io

        file = io.BytesIO()
        np.save(file, np.vstack([self.weights, self.intercept]))
        write_atomically(path, file.getvalue())

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read what `save` wrote."""
        both = np.load(path, allow_pickle=False)
        return cls(both[:-1], both[-1])


def fit_calibration(margins: np.ndarray, labels: np.ndarray, n_classes: int) -> Calibration:
    """Fit on margins float (n, n_margins) of items with labels int (n,); a class without items gets next to nothing."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(labels)
    if len(present) == 1:
        weights, intercept = np.zeros((margins.shape[1], 1)), np.zeros(1)
    else:
        with limit_threads(1):
            fitted = LogisticRegression(max_iter=500, tol=1e-3).fit(margins, labels)
        weights, intercept = fitted.coef_.T, fitted.intercept_
        if len(present) == 2:  # scikit-learn gives one column for two classes
            weights, intercept = np.hstack([-weights / 2, weights / 2]), np.hstack([-intercept / 2, intercept / 2])
    all_weights = np.zeros((margins.shape[1], n_classes))
    all_intercepts = np.full(n_classes, np.log(_LOWEST))
    all_weights[:, present], all_intercepts[present] = weights, intercept
    return Calibration(all_weights, all_intercepts)


def cross_fit(margins: np.ndarray, labels: np.ndarray, fold: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities of each fold by a calibration fitted on the other folds, float64 (n, n_classes).

    fold: int (n,). While there is only one fold, it is its own judge: fit for pruning, not for a score.
    """
    folds = np.unique(fold)
    if len(folds) == 1:
        return fit_calibration(margins, labels, n_classes).probabilities(margins)
    found = np.empty((len(labels), n_classes))
    for number in folds:
        here = fold == number
        found[here] = fit_calibration(margins[~here], labels[~here], n_classes).probabilities(margins[here])
    return found
