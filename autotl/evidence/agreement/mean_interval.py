"""The interval of a mean over items, such as of paired differences or of right answers."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from autotl.evidence.design_effects import effective_share
from autotl.evidence.tilting import Influences, changes_not_excluded, standard_errors_to
from autotl.interfaces import UNDEFINED, ScoreInterval

# If nearly all differences are 0, the interval of a percentile bootstrap has almost no width and leads to false claims:
# tests/benchmarks/bench_coders.py compares both.


def mean_interval(
    values: np.ndarray,
    bounds: tuple[float, float],
    *,
    weights: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    z: float = NormalDist().inv_cdf(0.975),
) -> ScoreInterval:
    """The weighted mean of bounded values, with its score interval at z standard errors.

    values: float (n,), one per item. bounds: the least and the greatest possible value; both are considered possible
    even if they do not occur in the sample. weights: float (n,), above 0, such as inverse inclusion probabilities; None
    for equal weights. clusters: (n,), equal for items that are alike. The score interval (see `tilting`) is Wilson's
    for values of 0 and 1, and close to Tango's for paired differences. Clusters and unequal weights widen it by their
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
    """How many standard errors the mean is above a limit; negative if it is below.

    If the result is z, `mean_interval` at z standard errors ends at the limit. The arguments are those of
    `mean_interval`, with at least one value.
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
    # A value that was not observed gets the mean squared weight. If all values are equal, this alone widens the
    # interval by the design effect of the weights.
    unseen = float((weight**2).mean())
    own = np.concatenate([kinds, [unseen * (bound - mean) for bound in bounds]])
    counts = np.concatenate([counts, np.zeros(len(bounds))]) * effective_share(deviations, clusters)
    return mean, Influences(own, counts, np.zeros(len(own), dtype=int))
