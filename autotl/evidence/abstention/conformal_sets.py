"""Conformal sets: sets of classes that contain the true class with a guaranteed probability.

Split conformal prediction with per-class thresholds (Vovk 2012, Conditional validity of inductive conformal
predictors; Sadinle, Lei & Wasserman 2019, Least ambiguous set-valued classifiers with bounded error levels).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autotl.evidence.abstention.representatives import representatives

LAC, RAPS = "lac", "raps"
MANY_CLASSES = 20
"""With more classes than this, the method is RAPS."""
PENALTY, FREE_RANKS = 0.01, 5
"""RAPS adds this penalty for each rank beyond the first five. Angelopoulos et al. (2021, section 3) report that such
values work on all their data sets. The coverage holds for any values that do not depend on the calibration data."""
ALPHA = 0.1
"""The share of cases in which a set may miss the true class."""


@dataclass(frozen=True, eq=False)
class SetRule:
    """The set of an image contains each class whose score is at most the threshold of this class.

    method: LAC or RAPS, see `scores_of`. alpha: share of cases in which the true class may be missed, in (0, 1).
    thresholds: float (n_classes,). n_calibration: int (n_classes,), number of independent items from which each
    threshold was calibrated. pooled: bool (n_classes,), the classes with too few items. Their threshold is calibrated
    on the items of all classes, so that the coverage holds on average over all items, but not for this class.
    """

    method: str
    alpha: float
    thresholds: np.ndarray
    n_calibration: np.ndarray
    pooled: np.ndarray

    def contains(self, probabilities: np.ndarray) -> np.ndarray:
        """Whether each class is in the set of each item, bool (n, n_classes); a set may be empty."""
        return np.asarray(scores_of(self.method, probabilities) <= self.thresholds)

    def margins(self, probabilities: np.ndarray) -> np.ndarray:
        """The absolute distance of each score from its threshold, float (n, n_classes)."""
        return np.asarray(np.abs(scores_of(self.method, probabilities) - self.thresholds))


def scores_of(method: str, probabilities: np.ndarray) -> np.ndarray:
    """The nonconformity score of each class for each item, float (n, n_classes); higher is a worse fit.

    LAC: 1 minus the probability of the class. RAPS without randomisation (Angelopoulos et al. 2021, Uncertainty sets
    for image classifiers using conformal prediction, equation 4 with u = 1): the summed
    probability of the class and of all more probable classes, plus PENALTY for each rank beyond FREE_RANKS. Ties are
    ordered by class index.
    """
    if method == LAC:
        return np.asarray(1 - probabilities)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranks = np.arange(1, probabilities.shape[1] + 1)
    cumulative = np.take_along_axis(probabilities, order, axis=1).cumsum(axis=1)
    found = np.empty_like(cumulative)
    np.put_along_axis(found, order, cumulative + PENALTY * np.maximum(0, ranks - FREE_RANKS), axis=1)
    return found


def needed_items(alpha: float) -> int:
    """The fewest calibration items for which a finite threshold exists: 1 / alpha - 1, rounded up."""
    return math.ceil(1 / alpha - 1 - 1e-9)


def conformal_quantile(scores: np.ndarray, alpha: float) -> float:
    """The smallest threshold that a new score exceeds with probability at most alpha; infinite with too few scores.

    It is the ceil((n + 1) (1 - alpha))-th smallest of n exchangeable scores.
    """
    rank = math.ceil((len(scores) + 1) * (1 - alpha) - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def calibrate_sets(
    labels: np.ndarray, probabilities: np.ndarray, *, alpha: float = ALPHA, clusters: np.ndarray | None = None,
    seed: int = 0, method: str = "",
) -> SetRule | None:  # fmt: skip
    """Calibrate the thresholds on held-out items; None if there are too few items in all.

    labels: int (n,); probabilities: float (n, n_classes), calibrated in the same way as those of the deployed model.
    clusters: int (n,), equal for items that belong together; one item per cluster and class is used. method: LAC or
    RAPS, by default chosen by the number of classes.
    """
    n_classes = probabilities.shape[1]
    method = method or (RAPS if n_classes > MANY_CLASSES else LAC)
    rows = representatives(labels, clusters, seed=seed)
    if len(rows) < needed_items(alpha):
        return None
    labels = labels[rows]
    scores = scores_of(method, probabilities[rows])[np.arange(len(rows)), labels]
    counts = np.bincount(labels, minlength=n_classes)
    pooled = counts < needed_items(alpha)
    together = conformal_quantile(scores, alpha)
    thresholds = np.array([
        together if pooled[k] else conformal_quantile(scores[labels == k], alpha) for k in range(n_classes)
    ])  # fmt: skip
    return SetRule(method, alpha, thresholds, np.where(pooled, len(rows), counts), pooled)


def coverage_spread(n: int, alpha: float, level: float = 0.9) -> tuple[float, float]:
    """The range of the true coverage of a threshold that was calibrated on n items.

    Over random calibration sets, the coverage is distributed as Beta(n + 1 - l, l) with l = floor((n + 1) alpha) (Vovk
    2012, proposition 2); level: the probability that the true coverage lies in the range. (0, 1) if n is too small.
    """
    from scipy.stats import beta

    allowed = math.floor((n + 1) * alpha + 1e-9)
    if allowed < 1:
        return 0.0, 1.0
    low, high = beta.ppf([(1 - level) / 2, (1 + level) / 2], n + 1 - allowed, allowed)
    return float(low), float(high)
