"""Platt scaling (Platt 1999, with the targets and the Newton steps of Lin, Lin & Weng 2007), of many columns at once.

scikit-learn's is private, and fits one column at a time.
"""

from __future__ import annotations

import numpy as np

from autotl.targets import known_labels

_STEPS = 50
_DAMPING = 1e-8


def fit_platt(margins: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope and intercept of the log-odds of each label by its margin, and the mean log loss there; each (n_columns,).

    margins: float (n, n_columns); labels: (n, n_columns), bool, or -1 where unknown, which count for nothing. Targets
    are smoothed, so that a label with few items, or with all of them, gets no certainty. A slope is never negative.
    """
    known = known_labels(labels).astype(float)
    applies = (labels == 1).astype(float)
    n, positive = np.maximum(known.sum(axis=0), 1), (applies * known).sum(axis=0)
    target = np.where(applies > 0, (positive + 1) / (positive + 2), 1 / (n - positive + 2))
    middle = (margins * known).sum(axis=0) / n
    spread = np.sqrt((known * (margins - middle) ** 2).sum(axis=0) / n)
    x = (margins - middle) / np.where(spread > 0, spread, 1)
    slope, intercept = np.zeros(x.shape[1]), np.log((positive + 1) / (n - positive + 1))
    loss = _loss(x, target, known, slope, intercept)
    for _ in range(_STEPS):
        p = 0.5 * (1 + np.tanh(0.5 * (x * slope + intercept)))
        error, weight = known * (p - target), known * p * (1 - p)
        a, b, c = (weight * x * x).sum(axis=0) + _DAMPING, (weight * x).sum(axis=0), weight.sum(axis=0) + _DAMPING
        g, h = (error * x).sum(axis=0), error.sum(axis=0)
        determinant = a * c - b * b + _DAMPING
        step_slope, step_intercept = (c * g - b * h) / determinant, (a * h - b * g) / determinant
        size = np.ones(x.shape[1])
        for _ in range(10):  # halve where the loss would rise
            tried = _loss(x, target, known, slope - size * step_slope, intercept - size * step_intercept)
            rises = tried > loss + 1e-12
            if not rises.any():
                break
            size = np.where(rises, size / 2, size)
        slope, intercept = slope - size * step_slope, intercept - size * step_intercept
        before, loss = loss, _loss(x, target, known, slope, intercept)
        if np.abs(before - loss).max() < 1e-10:
            break
    flat = (slope < 0) | (spread == 0)  # no better than no margin at all
    slope = np.where(flat, 0.0, slope / np.where(spread > 0, spread, 1))
    intercept = np.where(flat, np.log((positive + 1) / (n - positive + 1)), intercept - slope * middle)
    return slope, intercept, _loss(margins, target, known, slope, intercept) / n


def _loss(
    x: np.ndarray, target: np.ndarray, known: np.ndarray, slope: np.ndarray, intercept: np.ndarray
) -> np.ndarray:  # fmt: skip
    logits = x * slope + intercept
    return np.asarray((known * (np.logaddexp(0, logits) - target * logits)).sum(axis=0))
