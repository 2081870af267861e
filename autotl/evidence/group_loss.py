"""What keeping groups together costs: the difference of two cross-validations of the same items, over whole groups."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions

FALSE_ALARM = 0.01
"""Chance that any of the groupings of a dataset is taken for one that matters though none does."""
LEAST_LOSS = 0.005
"""Of balanced accuracy; less is not worth a question."""


@dataclass(frozen=True)
class GroupLoss:
    """Balanced accuracy under folds that mix groups less that under folds that keep them whole.

    loss: with its interval of 95 %. strict_low: what it is at least, at the stricter level of several groupings.
    """

    loss: ScoreInterval
    strict_low: float


def group_loss(
    mixed: Predictions, unseen: Predictions, group: np.ndarray, *, n_tested: int, credit: np.ndarray | None = None
) -> GroupLoss:
    """The loss on the items that both predicted, by how much it differs from group to group (Student's t).

    group: int (n,), the group of each item of `mixed`, whose items `unseen` has too. n_tested: how many groupings are
    tested. credit: float (n,), hits to take off the difference of each item, such as those that chance groups cost.
    """
    unseen = unseen.restrict(mixed.items)
    difference = _hits(mixed) - _hits(unseen) - (0 if credit is None else credit)
    # Each class counts alike, as in balanced accuracy.
    counts = np.bincount(mixed.labels)
    weight = 1 / (counts[mixed.labels] * np.count_nonzero(counts))
    return _over_groups(difference * weight, weight, np.unique(group, return_inverse=True)[1], n_tested)


def hit_difference(first: Predictions, second: Predictions) -> np.ndarray:
    """Hits of the first less those of the second, float (n,), in the order of the first's items."""
    return np.asarray(_hits(first) - _hits(second.restrict(first.items)))


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
