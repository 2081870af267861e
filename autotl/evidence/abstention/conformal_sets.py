"""Conformal sets: the classes that an image may well have, so that its own is among them as often as was promised.

Split conformal prediction with a threshold for each class (Vovk 2012, Conditional validity of inductive conformal
predictors; Sadinle, Lei & Wasserman 2019, Least ambiguous set-valued classifiers with bounded error levels).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autotl.evidence.abstention.representatives import representatives

LAC, RAPS = "lac", "raps"
MANY_CLASSES = 20
"""With more classes the sets are made by RAPS."""
PENALTY, FREE_RANKS = 0.01, 5
"""RAPS adds so much for each class beyond the first five (Angelopoulos et al. 2021, section 3, find such values to
work on every data set; sets cover as promised with any values that do not depend on the calibration data)."""
ALPHA = 0.1
"""Sets that miss the true class in at most so many cases."""


@dataclass(frozen=True, eq=False)
class SetRule:
    """Which classes are in the set of an image: those whose score is at most the threshold of the class.

    method: LAC or RAPS, see `scores_of`. alpha: share of cases in which the true class may be missed. thresholds: float
    (n_classes,). n_calibration: int (n_classes,), independent items that the threshold rests on. pooled: bool
    (n_classes,), the classes with too few items, whose threshold is that of all items together: it holds on average
    over the classes and not for this one.
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
        """How far each score is from its threshold, float (n, n_classes)."""
        return np.asarray(np.abs(scores_of(self.method, probabilities) - self.thresholds))


def scores_of(method: str, probabilities: np.ndarray) -> np.ndarray:
    """How badly each class fits each item, float (n, n_classes).

    LAC: one less the probability of the class. RAPS without randomisation (Angelopoulos et al. 2021, Uncertainty sets
    for image classifiers using conformal prediction, equation 4 with u = 1): the probability of the class and of all
    that are more probable, plus PENALTY for each rank beyond FREE_RANKS; of equal ones the first is the more probable.
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
    """The fewest calibration items that allow any threshold, 1 / alpha - 1."""
    return math.ceil(1 / alpha - 1 - 1e-9)


def conformal_quantile(scores: np.ndarray, alpha: float) -> float:
    """The smallest threshold that a new score exceeds with a probability of at most alpha; infinite for too few.

    It is the ceil((n + 1) (1 - alpha))-th smallest of n exchangeable scores.
    """
    rank = math.ceil((len(scores) + 1) * (1 - alpha) - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def calibrate_sets(
    labels: np.ndarray, probabilities: np.ndarray, *, alpha: float = ALPHA, clusters: np.ndarray | None = None,
    seed: int = 0, method: str = "",
) -> SetRule | None:  # fmt: skip
    """Thresholds from answers about items that the model was not fitted on; None if all are too few.

    labels: int (n,); probabilities: float (n, n_classes), as the model to be used gives them. clusters: int (n,), equal
    for items that belong together, of which one counts for each class. method: LAC or RAPS, by default by the number of
    classes.
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
    """Between which shares the true coverage of a threshold lies that n calibration items gave.

    Over all that could have been drawn it is distributed as Beta(n + 1 - l, l) with l = floor((n + 1) alpha) (Vovk
    2012, proposition 2); level: how often the true coverage is between the two. From 0 to 1 where n is too few.
    """
    from scipy.stats import beta

    allowed = math.floor((n + 1) * alpha + 1e-9)
    if allowed < 1:
        return 0.0, 1.0
    low, high = beta.ppf([(1 - level) / 2, (1 + level) / 2], n + 1 - allowed, allowed)
    return float(low), float(high)
