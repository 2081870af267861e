"""Fitting a head on items that count more or less: by its own sample weights, or by repeating items."""

from __future__ import annotations

import numpy as np

from autotl.training.classifiers import Classifier, EstimatorClassifier, NetworkClassifier

REPEATS = 2
"""Rows for each item where items are repeated: with as many rows as items half of the frequent ones would be lost."""


def fit_weighted(
    classifier: Classifier, vectors: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, *, seed: int
) -> None:
    """Fit a head with a weight for each item, None for equal ones; only their proportions count.

    weights: float (n,), at least 0, with a positive sum. Raises ValueError if they are not so.
    """
    if weights is None:
        classifier.fit(vectors, labels)
        return
    if weights.shape != labels.shape or not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
        raise ValueError(f"expected {len(labels)} finite weights of at least 0 and not all 0, found {weights!r:.200}")
    if isinstance(classifier, EstimatorClassifier) and classifier.takes_weights:
        classifier.fit(vectors, labels, weights)
        return
    if isinstance(classifier, NetworkClassifier):
        # Repeated items would be in its training and in its held-out part.
        classifier.fit_weighted(vectors, labels, weights)
        return
    rows = np.repeat(np.arange(len(labels)), repeats(weights, REPEATS * len(labels), seed=seed))
    classifier.fit(vectors[rows], labels[rows])


def repeats(weights: np.ndarray, n_rows: int, *, seed: int) -> np.ndarray:
    """How often each item is repeated, int (n,), with a sum of n_rows: its expected number, rounded up or down.

    Systematic sampling, of items in random order.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(weights))
    ends = np.cumsum(weights[order])
    ends = np.floor(ends / ends[-1] * n_rows + rng.random() * (1 - 1e-9))
    counts = np.empty(len(weights), dtype=int)
    counts[order] = np.diff(ends, prepend=0)
    return counts
