"""The overall scores of several labels an item, and of numbers; NaN where one is undefined.

A label is predicted where its probability is at least one half. What is unknown (-1) does not count.
"""

from __future__ import annotations

import math

import numpy as np
from verify_targets import known


def of_labels(name: str, labels: np.ndarray, probabilities: np.ndarray) -> float:
    """One score of labels (n, n_labels) and their probabilities (n, n_labels)."""
    if name == "mean_average_precision":
        return _mean_average_precision(labels, probabilities)
    judged, applies = known(labels), labels > 0
    predicted = (probabilities >= 0.5) & judged
    wrong = (applies != predicted) & judged
    if name == "exact_match":
        return _mean(~wrong[judged.any(axis=1)].any(axis=1))
    if name == "hamming":
        return _mean(wrong[judged])
    right, said, there = (part.sum(axis=0) for part in (applies & predicted, predicted, applies))
    if name == "micro_f1":
        right, said, there = (np.array([part.sum()]) for part in (right, said, there))
    occurs = said + there > 0
    return _mean(2 * right[occurs] / (said + there)[occurs])


def of_numbers(name: str, numbers: np.ndarray, values: np.ndarray) -> float:
    """One score of true numbers (n,) and those that were predicted (n, 1)."""
    errors = numbers - values[:, 0]
    if name == "r2":
        spread = float(((numbers - numbers.mean()) ** 2).sum())
        return 1 - float((errors**2).sum()) / spread if len(numbers) > 1 and spread > 0 else math.nan
    return _mean(np.abs(errors)) if name == "mae" else math.sqrt(_mean(errors**2))


def matches(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which items have any known label, and of these, whether all known labels are predicted rightly: bool."""
    judged = known(labels)
    wrong = ((labels > 0) != (probabilities >= 0.5)) & judged
    rows = judged.any(axis=1)
    return rows, ~wrong[rows].any(axis=1)


def average_precision(applies: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean, over the items with a label, of the precision among all items that are ranked as high or higher."""
    own = probabilities[applies]

    def as_high(values: np.ndarray) -> np.ndarray:
        return np.asarray(len(values) - np.searchsorted(np.sort(values), own, "left"))

    return _mean(as_high(own) / as_high(probabilities))


def _mean_average_precision(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Over the labels that some items have and others have not."""
    found = []
    for label in np.flatnonzero((labels > 0).any(axis=0) & (labels == 0).any(axis=0)):
        rows = known(labels[:, label])
        found.append(average_precision(labels[rows, label] > 0, probabilities[rows, label]))
    return _mean(np.array(found))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan
