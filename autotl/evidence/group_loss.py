"""What keeping groups together costs: the difference of two cross-validations of the same items, over whole groups."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autotl.evidence.average_precision import average_precision_slopes
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.targets import CLASSES, LABELS, kind_of

FALSE_ALARM = 0.01
"""Chance that any of the groupings of a dataset is taken for one that matters though none does."""
LEAST_LOSS = 0.005
"""Of balanced accuracy, mean average precision or R²; less is not worth a question."""


@dataclass(frozen=True)
class GroupLoss:
    """The score under folds that mix groups less that under folds that keep them whole.

    The score is balanced accuracy for classes, mean average precision for labels, and R² for numbers. loss: with its
    interval of 95 %. strict_low: what it is at least, at the stricter level of several groupings.
    """

    loss: ScoreInterval
    strict_low: float


def group_loss(
    mixed: Predictions, unseen: Predictions, group: np.ndarray, *, n_tested: int, credit: np.ndarray | None = None
) -> GroupLoss:
    """The loss on the items that both predicted, by how much it differs from group to group (Student's t).

    group: int (n,), the group of each item of `mixed`, whose items `unseen` has too. n_tested: how many groupings are
    tested. credit: float (n,), `score_gains` to take off those of each item, such as those that chance groups cost.
    """
    gains = score_gains(mixed, unseen) - (0 if credit is None else credit)
    return _over_groups(gains, _weights(mixed.labels), np.unique(group, return_inverse=True)[1], n_tested)


def score_gains(first: Predictions, second: Predictions) -> np.ndarray:
    """What each item adds to the score of the first less that of the second, float (n,), in the first's order.

    Their sum is the difference. A ranking has no part that is an item's own: what an item adds to an average precision
    is the slope of the difference in the item's weight, plus an equal share of the difference.
    """
    labels, second = first.labels, second.restrict(first.items)
    kind, weights = kind_of(labels), _weights(labels)
    if kind == CLASSES:
        return np.asarray(weights * (_hits(first) - _hits(second)))
    if kind == LABELS:
        (one, slopes), (other, others) = (_mean_precision(labels, each.probabilities) for each in (first, second))
        return np.asarray(slopes - others + (one - other) * weights)
    worse = (second.probabilities[:, 0] - labels) ** 2 - (first.probabilities[:, 0] - labels) ** 2
    return np.asarray(worse / ((labels - labels.mean()) ** 2).sum())


def _weights(labels: np.ndarray) -> np.ndarray:
    """How much each item counts in the score, float (n,), with a sum of 1.

    Each class counts alike, as in balanced accuracy; a number counts by its share of the variance, as in R².
    """
    kind = kind_of(labels)
    if kind == CLASSES:
        counts = np.bincount(labels)
        return np.asarray(1 / (counts[labels] * np.count_nonzero(counts)))
    if kind == LABELS:
        return np.full(len(labels), 1 / len(labels))
    squares = (labels - labels.mean()) ** 2
    return np.asarray(squares / squares.sum())


def _mean_precision(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean average precision as its evaluator has it, and its slope in the weight of each item."""
    scored = (labels > 0).any(axis=0) & (labels == 0).any(axis=0)
    found, slopes = average_precision_slopes(labels[:, scored], probabilities[:, scored])
    return float(found.mean()), slopes.mean(axis=1)


def _over_groups(gain: np.ndarray, weight: np.ndarray, group: np.ndarray, n_tested: int) -> GroupLoss:
    from scipy.stats import t

    gains, weights = np.bincount(group, gain), np.bincount(group, weight)
    n_groups, loss = len(gains), float(gains.sum())
    # Few large groups tell no more than as many equal ones.
    freedom = weights.sum() ** 2 / (weights**2).sum() - 1
    if freedom <= 0 or n_groups < 2:
        return GroupLoss(ScoreInterval(loss), -math.inf)
    spread = math.sqrt(n_groups / (n_groups - 1) * float(((gains - weights * loss) ** 2).sum()))
    half, strict = (spread * float(t.ppf(1 - tail, freedom)) for tail in (0.025, FALSE_ALARM / n_tested))
    return GroupLoss(ScoreInterval(loss, loss - half, loss + half), loss - strict)


def _hits(predictions: Predictions) -> np.ndarray:
    return np.asarray(predictions.probabilities.argmax(axis=1) == predictions.labels, dtype=float)
