"""Calibration: from margins to probabilities, and probabilities sharpened or softened by a temperature.

Both are fitted on items that the classifier was not fitted on. Margins: Platt 1999 for two classes; with more, a
multinomial logistic regression on all margins together. Temperature: Guo et al. 2017.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import onnx
from onnx import helper

from autotl.graphs.blocks import matrices
from autotl.graphs.surgery import join
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.blas_threads import limit_threads
from autotl.targets import CLASSES, LABELS, Kind, kind_of
from autotl.training.platt import fit_platt

SMALLEST_PROBABILITY = 1e-7
"""Probabilities are raised to this before their logarithm is taken; an exported graph has to do the same."""
TEMPERATURES = (0.05, 20.0)
"""The lowest and the highest temperature that is ever fitted."""

_LOWEST = 1e-6
_SMALLEST_SLOPE = 1e-9
Link: TypeAlias = Literal["softmax", "sigmoid"]


def link_of(kind: Kind) -> Link:
    """What makes probabilities of a target's logits."""
    return "sigmoid" if kind == LABELS else "softmax"


@dataclass(frozen=True, eq=False)
class Calibration:
    """Probabilities are softmax(margins @ weights + intercept), or, of labels, sigmoid.

    weights: float (n_margins, n_classes); intercept: float (n_classes,). link: what makes probabilities of them.
    """

    weights: np.ndarray
    intercept: np.ndarray
    link: Link = "softmax"

    def probabilities(self, margins: np.ndarray) -> np.ndarray:
        """Float64 (n, n_classes), rows sum to 1 for a softmax; margins: float (n, n_margins)."""
        logits = margins @ self.weights + self.intercept
        if self.link == "sigmoid":
            return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)))
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def to_onnx(self) -> onnx.ModelProto:
        """The map as a graph from `margins` to `probabilities`."""
        from autotl.graphs.blocks import affine

        if self.link == "softmax":
            return affine(self.weights, self.intercept, "margins", "probabilities", softmax=True)
        n = len(self.intercept)
        sigmoid = matrices(
            [helper.make_node("Sigmoid", ["logits"], ["probabilities"])], [("logits", n)], [("probabilities", n)]
        )
        return join(affine(self.weights, self.intercept, "margins", "logits"), sigmoid, {"logits": "logits"})

    def save(self, path: Path) -> None:
        """Write an .npy file, whole or not at all."""

        file = io.BytesIO()
        np.save(file, np.vstack([self.weights, self.intercept]))
        write_atomically(path, file.getvalue())

    @classmethod
    def load(cls, path: Path, link: Link = "softmax") -> Calibration:
        """Read what `save` wrote."""
        both = np.load(path, allow_pickle=False)
        return cls(both[:-1], both[-1], link)


def identity(n_labels: int, n_strengths: int = 1) -> Calibration:
    """What takes the first column of each label for its log-odds."""
    weights = np.zeros((n_labels * n_strengths, n_labels))
    weights[np.arange(n_labels) * n_strengths, np.arange(n_labels)] = 1
    return Calibration(weights, np.zeros(n_labels), "sigmoid")


def fit_calibration(margins: np.ndarray, labels: np.ndarray, n_classes: int) -> Calibration:
    """Fit on margins float (n, n_margins) and labels int (n,); a class without items gets a probability near 0.

    For several labels an item, see `label_calibration.fit_labels`.
    """
    if labels.ndim == 2:
        return fit_labels(margins, labels)
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


def fit_labels(margins: np.ndarray, labels: np.ndarray) -> Calibration:
    """Platt scaling of each label, by the one of its columns that gives the lowest log loss.

    margins: float (n, n_labels * n_strengths), the columns of one label together; labels: (n, n_labels).
    """
    n_labels = labels.shape[1]
    n_strengths = margins.shape[1] // n_labels
    slope, intercept, loss = fit_platt(margins, np.repeat(labels, n_strengths, axis=1))
    best = loss.reshape(n_labels, n_strengths).argmin(axis=1) + np.arange(n_labels) * n_strengths
    weights = np.zeros((margins.shape[1], n_labels))
    # Never 0, so that the weights say which column was chosen.
    weights[best, np.arange(n_labels)] = np.maximum(slope[best], _SMALLEST_SLOPE)
    return Calibration(weights, intercept[best], "sigmoid")


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


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature with the lowest log loss (Guo et al. 2017); above 1 where the probabilities are too sure.

    labels: int (n,); probabilities: (n, n_classes), of items the model was not fitted on. 1.0 without items.
    The targets are smoothed by 1 / (n + 2) as in Platt 1999: that n answers were right does not mean that the next
    one is right for certain, which is what the plain optimum would claim of a model without an error.
    """
    from scipy.optimize import minimize_scalar

    if len(labels) == 0:
        return 1.0
    logits = _log(probabilities)
    n, n_classes = probabilities.shape
    doubt = 1 / (n + 2)
    targets = np.full((n, n_classes), doubt / (n_classes - 1))
    targets[np.arange(n), labels] = 1 - doubt

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        highest = scaled.max(axis=1)
        normaliser = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
        return float((normaliser - (targets * scaled).sum(axis=1)).mean())

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-4})
    return float(np.clip(np.exp(found.x), *TEMPERATURES))


def sharpened(labels: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, float]:
    """Answers calibrated on themselves by a temperature, and that temperature; 1 where they are not of classes.

    Labels are calibrated one by one, by Platt scaling, and numbers need no calibration.
    """
    if kind_of(labels) != CLASSES:
        return answers, 1.0
    temperature = fit_temperature(labels, answers)
    return apply_temperature(answers, temperature), temperature


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log p / temperature), float64 (n, n_classes), rows sum to 1.

    The order of the classes stays, except that classes below 1e-7 become equal.
    """
    scaled = _log(probabilities) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probabilities.astype(np.float64), SMALLEST_PROBABILITY, 1.0))


def tempered(source: str, target: str, n_classes: int, temperature: float) -> onnx.ModelProto:
    """softmax(log(clip(p)) / temperature), which is what `apply_temperature` computes."""
    constants = {
        "floor": np.float32(SMALLEST_PROBABILITY),
        "ceiling": np.float32(1.0),
        "inverse_temperature": np.float32(1 / temperature),
    }
    nodes = [
        helper.make_node("Clip", [source, "floor", "ceiling"], ["clipped"]),
        helper.make_node("Log", ["clipped"], ["log_probabilities"]),
        helper.make_node("Mul", ["log_probabilities", "inverse_temperature"], ["cooled"]),
        helper.make_node("Softmax", ["cooled"], [target], axis=-1),
    ]
    return matrices(nodes, [(source, n_classes)], [(target, n_classes)], constants)
