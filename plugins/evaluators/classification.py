"""Figures of merit for classification, from the confusion matrix where it is enough.

Undefined scores are NaN. Classes without a single label are treated as scikit-learn treats them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Evaluator, Proportion
from autotl_plugins.evaluators import multi_label

# The smallest probability a float32 softmax tells from 0 next to 1, and scikit-learn's limit for float32.
SMALLEST = float(np.finfo(np.float32).eps)


def confusion(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Counts int (n_classes, n_classes), rows the true class, columns the most probable one."""
    k = probabilities.shape[1]
    return np.bincount(labels * k + probabilities.argmax(axis=1), minlength=k * k).reshape(k, k)


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> Proportion:
    """The share of items whose most probable class is the true one."""
    return Proportion(int((probabilities.argmax(axis=1) == labels).sum()), len(labels))


def balanced_accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean recall of the classes that have labels; NaN without items."""
    counts = confusion(labels, probabilities)
    n_true = counts.sum(axis=1)
    present = n_true > 0
    if not present.any():
        return float("nan")
    return float((counts.diagonal()[present] / n_true[present]).mean())


def macro_f1(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean F1 of the classes that are labelled or predicted; a class never predicted rightly counts 0.

    Of several labels per item, as in `multi_label`, it is the mean F1 of the labels.
    """
    if labels.ndim == 2:
        return multi_label.macro_f1(labels, probabilities)
    counts = confusion(labels, probabilities)
    n_true_or_predicted = counts.sum(axis=0) + counts.sum(axis=1)
    present = n_true_or_predicted > 0
    if not present.any():
        return float("nan")
    return float((2 * counts.diagonal()[present] / n_true_or_predicted[present]).mean())


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean negative natural logarithm of the true class's probability, which is clipped at 1.2e-7."""
    if len(labels) == 0:
        return float("nan")
    true = probabilities[np.arange(len(labels)), labels]
    return float(np.log(1 / np.clip(true, SMALLEST, 1.0)).mean())  # so and not -log, which gives -0.0


def roc_auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The area under the ROC curve of each class against the rest, averaged over the classes that have labels.

    It is the Mann-Whitney statistic (Hanley & McNeil 1982): ties count one half. NaN where one class has all labels.
    """
    n_positive = np.bincount(labels, minlength=probabilities.shape[1])
    present = np.flatnonzero(n_positive)
    if len(present) < 2:
        return float("nan")
    areas = np.empty(len(present))
    for number, label in enumerate(present):
        scores = probabilities[:, label]
        positive = scores[labels == label]
        # Looking the positives up among all sorted scores gives their mean ranks without an argsort.
        ordered = np.sort(scores)
        below_or_equal = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
        ranks = (below_or_equal.sum() + len(positive)) / 2
        n = len(positive)
        areas[number] = (ranks - n * (n + 1) / 2) / (n * (len(labels) - n))
    return float(areas.mean())


def recall(labels: np.ndarray, probabilities: np.ndarray) -> list[Proportion]:
    """Of the items of each class, how many were found; 0 trials where a class has no labels."""
    counts = confusion(labels, probabilities)
    return _proportions(counts.diagonal(), counts.sum(axis=1))


def precision(labels: np.ndarray, probabilities: np.ndarray) -> list[Proportion]:
    """Of the items predicted to be of each class, how many are; 0 trials where a class is never predicted."""
    counts = confusion(labels, probabilities)
    return _proportions(counts.diagonal(), counts.sum(axis=0))


def _proportions(successes: np.ndarray, trials: np.ndarray) -> list[Proportion]:
    return [Proportion(s, t) for s, t in zip(successes.tolist(), trials.tolist(), strict=True)]


@hookimpl
def register_evaluators() -> Iterable[Evaluator]:
    yield Evaluator("accuracy", accuracy, bounds=(0, 1))
    yield Evaluator("balanced_accuracy", balanced_accuracy, bounds=(0, 1))
    yield Evaluator("macro_f1", macro_f1, bounds=(0, 1), targets=("classes", "ordered", "labels"))
    yield Evaluator("log_loss", log_loss, larger_is_better=False)
    yield Evaluator("roc_auc", roc_auc, bounds=(0, 1))
    yield Evaluator("recall", recall)
    yield Evaluator("precision", precision)
