"""The interval of a mean over items: of paired differences, of right answers, of influences on an agreement."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from autotl.evidence.design_effects import effective_sizes
from autotl.evidence.tilting import Influences, changes_not_excluded, standard_errors_to
from autotl.interfaces import UNDEFINED, ScoreInterval

# A percentile bootstrap of differences that are nearly all 0 has next to no width, and claims what the items do not
# show: tests/benchmarks/bench_coders.py measures both.


def mean_interval(
    values: np.ndarray,
    bounds: tuple[float, float],
    *,
    weights: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    z: float = NormalDist().inv_cdf(0.975),
) -> ScoreInterval:
    """The weighted mean of bounded values with the means that they do not exclude at z standard errors.

    values: float (n,), one per item; bounds: the least and the greatest possible value, which count as kinds of answer
    that may have been missed by chance. weights: float (n,), above 0, such as inverse inclusion probabilities; None for
    1. clusters: (n,), of items that are alike. The interval is a score interval (see `tilting`): that of Wilson for
    values of 0 and 1, nearly that of Tango for paired differences; clusters and unequal weights make it wider by their
    design effects (Kish 1965).
    """
    if not len(values):
        return UNDEFINED
    mean, influences = _influences(values, bounds, weights, clusters)
    low, high = changes_not_excluded(influences, z)
    return ScoreInterval(mean, max(mean + low, bounds[0]), min(mean + high, bounds[1]))


def signed_errors(
    values: np.ndarray,
    limit: float,
    bounds: tuple[float, float],
    *,
    weights: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
) -> float:
    """How many standard errors the mean is above a limit, negative below it: at z, `mean_interval` ends at the limit.

    The arguments are those of `mean_interval`, with at least one value.
    """
    mean, influences = _influences(values, bounds, weights, clusters)
    return math.copysign(standard_errors_to(influences, limit - mean), mean - limit)


def _influences(
    values: np.ndarray, bounds: tuple[float, float], weights: np.ndarray | None, clusters: np.ndarray | None
) -> tuple[float, Influences]:
    weight = np.ones(len(values)) if weights is None else weights / weights.mean()
    mean = float((weight * values).mean())
    deviations = weight * (values - mean)
    kinds, place = np.unique(np.round(deviations, 12), return_inverse=True)
    counts = np.bincount(place, minlength=len(kinds)).astype(float)
    # A kind that was not seen weighs what answers weigh by their weights; without any deviation, this is all that makes
    # the interval wider by the design effect of the weights.
    unseen = float((weight**2).mean())
    own = np.concatenate([kinds, [unseen * (bound - mean) for bound in bounds]])
    counts = np.concatenate([counts, np.zeros(len(bounds))]) * effective_share(deviations, clusters)
    return mean, Influences(own, counts, np.zeros(len(own), dtype=int))


def effective_share(influences: np.ndarray, clusters: np.ndarray | None) -> float:
    """The effective number of items, as a share of their number: below 1 where items of a cluster are alike.

    influences: float (n,), with mean 0: what each item adds to what is estimated.
    """
    n = len(influences)
    own = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    if int(own.max(initial=-1)) + 1 == n:
        return 1.0
    sizes, totals = np.bincount(own).astype(float), np.bincount(own, influences) / n
    variance = float((influences**2).sum()) / n**2
    return float(effective_sizes([sizes], [totals], np.array([float(n)]), np.array([variance]))[0]) / n
