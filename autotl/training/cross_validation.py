"""Cross-validating a head on the features of a frozen backbone (a linear probe)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotl.data.split import Split
from autotl.predictions import Predictions
from autotl.targets import CLASSES, kind_of, known_labels
from autotl.training.calibration import Calibration, cross_fit, fit_calibration
from autotl.training.classifiers import Classifier


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What a head says of items that it was not fitted on.

    calibration: fitted on all of its margins, for the head that is fitted on all items; None if it gives none. The
        predictions of a fold are calibrated by the other folds.
    """

    predictions: Predictions
    calibration: Calibration | None


@dataclass(frozen=True, eq=False)
class FoldAnswers:
    """What a head that was fitted without one fold says of its items.

    items: int (n,); answers: margins or probabilities, float (n, n_classes). seconds: fitting and asking it.
    """

    items: np.ndarray
    answers: np.ndarray
    seconds: float


def answer_fold(
    classifier: Classifier, vectors: np.ndarray, labels: np.ndarray, split: Split, fold: int
) -> FoldAnswers:  # fmt: skip
    """Fit a head on the other folds and ask it about this one; vectors and labels are those of all items."""
    began = time.monotonic()
    held_out = np.flatnonzero(split.fold == fold)
    train = np.setdiff1d(split.development, held_out)
    classifier.fit(vectors[train], labels[train])
    answers = classifier.answers(vectors[held_out])
    return FoldAnswers(held_out, answers, time.monotonic() - began)


def cross_validate(
    classifier: Classifier,
    vectors: np.ndarray,
    labels: np.ndarray,
    split: Split,
    *,
    after_fold: Callable[[int, Predictions], None] | None = None,
    answers: Callable[[int], FoldAnswers] | None = None,
) -> CrossValidation:
    """Out-of-fold predictions for every development item.

    vectors: float32 (n_items, n_features), labels: int (n_items,), or those of another kind of target, both of all
    items; the test split is not touched.
    after_fold(fold, so_far) is called with what is predicted so far, and may raise to prune the trial. answers: gives
    those of a fold, where they are computed elsewhere.
    """
    found: list[FoldAnswers] = []
    for fold in range(split.n_folds):
        found.append(answers(fold) if answers else answer_fold(classifier, vectors, labels, split, fold))
        if after_fold or fold == split.n_folds - 1:
            so_far, given = (np.concatenate([getattr(f, part) for f in found]) for part in ("items", "answers"))
            n_classes = labels.shape[1] if labels.ndim == 2 else given.shape[1]
            if classifier.gives_margins:
                probabilities = cross_fit(given, labels[so_far], split.fold[so_far], n_classes)
            else:
                probabilities = given
            predictions = Predictions(so_far, labels[so_far], probabilities)
        if after_fold:
            after_fold(fold, predictions)
    calibration = fit_calibration(given, labels[so_far], n_classes) if classifier.gives_margins else None
    return CrossValidation(predictions, calibration)


def majority(labels: np.ndarray, split: Split, n_classes: int) -> Predictions:
    """What always answering with the class frequencies of the training folds gives, for every development item.

    Of labels their frequencies, of a number its mean.
    """
    items = split.development
    if kind_of(labels) != CLASSES:
        answers = np.zeros((len(items), n_classes))
        for fold in range(split.n_folds):
            answers[split.fold[items] == fold] = _mean(labels[items[split.fold[items] != fold]])
        return Predictions(items, labels[items], answers)
    probabilities = np.zeros((len(items), n_classes))
    for fold in range(split.n_folds):
        train = split.development[split.fold[split.development] != fold]
        counts = np.bincount(labels[train], minlength=n_classes)
        probabilities[split.fold[items] == fold] = counts / counts.sum()
    return Predictions(items, labels[items], probabilities)


def _mean(labels: np.ndarray) -> np.ndarray:
    """The mean of numbers, or how often each label applies where that is known; float (n_outputs,)."""
    if labels.ndim == 1:
        return np.array([labels.mean()])
    known = known_labels(labels)
    return np.asarray((labels > 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
