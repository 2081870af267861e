"""The linear probe: a head fitted on the features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autotl.classifiers import Classifier
from autotl.predictions import Predictions
from autotl.split import Split


def cross_validate(
    classifier: Classifier,
    vectors: np.ndarray,
    labels: np.ndarray,
    split: Split,
    *,
    after_fold: Callable[[int, Predictions], None] | None = None,
) -> Predictions:
    """Out-of-fold predictions for every development item.

    vectors: float32 (n_items, n_features), labels: int (n_items,), both of all items; the test split is not touched.
    after_fold(fold, so_far) is called with what is predicted so far, and may raise to stop a hopeless trial.
    """
    items: list[np.ndarray] = []
    probabilities: list[np.ndarray] = []
    for fold in range(split.n_folds):
        held_out = np.flatnonzero(split.fold == fold)
        train = np.setdiff1d(split.development, held_out)
        classifier.fit(vectors[train], labels[train])
        items.append(held_out)
        probabilities.append(classifier.probabilities(vectors[held_out]))
        so_far = np.concatenate(items)
        predictions = Predictions(so_far, labels[so_far], np.concatenate(probabilities))
        if after_fold:
            after_fold(fold, predictions)
    return predictions


def majority(labels: np.ndarray, split: Split, n_classes: int) -> Predictions:
    """What always answering with the class frequencies of the training folds gives, for every development item."""
    items = split.development
    probabilities = np.zeros((len(items), n_classes))
    for fold in range(split.n_folds):
        train = split.development[split.fold[split.development] != fold]
        counts = np.bincount(labels[train], minlength=n_classes)
        probabilities[split.fold[items] == fold] = counts / counts.sum()
    return Predictions(items, labels[items], probabilities)
