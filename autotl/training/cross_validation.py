"""Cross-validating a head on the features of a frozen backbone (a linear probe)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotl.data.split import Split
from autotl.predictions import Predictions
from autotl.training.calibration import Calibration, cross_fit, fit_calibration
from autotl.training.classifiers import Classifier


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What a head says of items that it was not fitted on.

    calibration: fitted on all of its margins, for the head that is fitted on all items; None where it gives none. The
        predictions of a fold are calibrated by the other folds.
    """

    predictions: Predictions
    calibration: Calibration | None


def cross_validate(
    classifier: Classifier,
    vectors: np.ndarray,
    labels: np.ndarray,
    split: Split,
    *,
    after_fold: Callable[[int, Predictions], None] | None = None,
) -> CrossValidation:
    """Out-of-fold predictions for every development item.

    vectors: float32 (n_items, n_features), labels: int (n_items,), both of all items; the test split is not touched.
    after_fold(fold, so_far) is called with what is predicted so far, and may raise to prune the trial.
    """
    items: list[np.ndarray] = []
    answers: list[np.ndarray] = []
    for fold in range(split.n_folds):
        held_out = np.flatnonzero(split.fold == fold)
        train = np.setdiff1d(split.development, held_out)
        classifier.fit(vectors[train], labels[train])
        items.append(held_out)
        answers.append(classifier.answers(vectors[held_out]))
        if after_fold or fold == split.n_folds - 1:
            so_far, found = np.concatenate(items), np.concatenate(answers)
            n_classes = found.shape[1]
            if classifier.gives_margins:
                probabilities = cross_fit(found, labels[so_far], split.fold[so_far], n_classes)
            else:
                probabilities = found
            predictions = Predictions(so_far, labels[so_far], probabilities)
        if after_fold:
            after_fold(fold, predictions)
    calibration = fit_calibration(found, labels[so_far], n_classes) if classifier.gives_margins else None
    return CrossValidation(predictions, calibration)


def majority(labels: np.ndarray, split: Split, n_classes: int) -> Predictions:
    """What always answering with the class frequencies of the training folds gives, for every development item."""
    items = split.development
    probabilities = np.zeros((len(items), n_classes))
    for fold in range(split.n_folds):
        train = split.development[split.fold[split.development] != fold]
        counts = np.bincount(labels[train], minlength=n_classes)
        probabilities[split.fold[items] == fold] = counts / counts.sum()
    return Predictions(items, labels[items], probabilities)
