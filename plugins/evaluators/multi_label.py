"""Figures of merit for several labels per item. A label is predicted where its probability is at least one half.

Where it is unknown whether a label applies (-1), its probability does not count. Undefined scores are NaN.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autotl.evidence.average_precision import average_precisions
from autotl.hookspecs import hookimpl
from autotl.interfaces import Evaluator, Proportion

THRESHOLD = 0.5


def mean_average_precision(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean of the labels' average precisions (macro mAP); labels that no item has, or all have, are left out.

    Whatever the ranking, the average precision of a label that all items have is 1.
    """
    found = average_precisions(labels, probabilities)[(labels == 0).any(axis=0)]
    found = found[~np.isnan(found)]
    return float(found.mean()) if len(found) else float("nan")


def micro_f1(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The F1 of all labels of all items together; NaN if none applies and none is predicted."""
    right, false, missed = (int(counts.sum()) for counts in _counts(labels, probabilities))
    return 2 * right / (2 * right + false + missed) if right + false + missed else float("nan")


def exact_match(labels: np.ndarray, probabilities: np.ndarray) -> Proportion:
    """The share of items all of whose known labels are predicted, and no others; items without any are left out."""
    wrong = (labels >= 0) & ((labels > 0) != (probabilities >= THRESHOLD))
    judged = (labels >= 0).any(axis=1)
    return Proportion(int((judged & ~wrong.any(axis=1)).sum()), int(judged.sum()))


def hamming(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The share of all known labels of all items that are predicted wrongly: the Hamming loss."""
    known = labels >= 0
    wrong = known & ((labels > 0) != (probabilities >= THRESHOLD))
    return float(wrong.sum() / known.sum()) if known.any() else float("nan")


def macro_f1(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean F1 of the labels that apply or are predicted somewhere."""
    right, false, missed = _counts(labels, probabilities)
    total = 2 * right + false + missed
    present = total > 0
    return float((2 * right[present] / total[present]).mean()) if present.any() else float("nan")


def _counts(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often each label is predicted rightly, predicted wrongly, and missed: int (n_labels,) each."""
    applies, predicted = labels > 0, (probabilities >= THRESHOLD) & (labels >= 0)
    right = (applies & predicted).sum(axis=0)
    return right, predicted.sum(axis=0) - right, applies.sum(axis=0) - right


@hookimpl
def register_evaluators() -> Iterable[Evaluator]:
    # `macro_f1` has the same name for classes: `classification` offers it for both.
    yield Evaluator("mean_average_precision", mean_average_precision, bounds=(0, 1), targets=("labels",))
    yield Evaluator("micro_f1", micro_f1, bounds=(0, 1), targets=("labels",))
    yield Evaluator("exact_match", exact_match, bounds=(0, 1), targets=("labels",))
    yield Evaluator("hamming", hamming, larger_is_better=False, bounds=(0, 1), targets=("labels",))
