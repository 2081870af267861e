"""Intervals for scores: Wilson's for proportions, the percentile bootstrap for everything else."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from autotl.evidence.unseen_errors import allow_for_unseen
from autotl.interfaces import UNDEFINED, Proportion, ScoreInterval

SLOW_SECONDS, FEW_RESAMPLES = 0.008, 100
"""A score that takes longer for one call is resampled a hundred times only: a thousand calls of 20 ms, for each of
three sets of predictions, would take a minute. A hundred tell the ends of an interval to a fifth of its width."""
ScoreFunction: TypeAlias = Callable[[np.ndarray, np.ndarray], float | Proportion]
"""score(labels, probabilities), as in `Evaluator`, with one number or one proportion as its answer."""


def wilson(successes: float, trials: float, level: float = 0.95) -> ScoreInterval:
    """A proportion with its interval by Wilson (1927); undefined, from 0 to 1, where there are no trials.

    successes, trials: counts, which may be fractional where they are effective ones. That is why this is written
    out: scipy's `binomtest(...).proportion_ci(method="wilson")` gives the same numbers for whole counts only.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes out of {trials} trials; expected 0 <= successes <= trials")
    if trials == 0:
        return ScoreInterval(math.nan, 0.0, 1.0)
    z = _normal_quantile(level)
    proportion = successes / trials
    centre = proportion + z**2 / (2 * trials)
    half = z * math.sqrt(proportion * (1 - proportion) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    # The ends of 0 and of all successes are 0 and 1; rounding would leave 1e-17 and 0.9999999.
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == trials else (centre + half) / scale
    return ScoreInterval(proportion, low, high)


def clustered_wilson(successes: np.ndarray, trials: np.ndarray, level: float = 0.95) -> ScoreInterval:
    """A proportion whose trials come in groups, with Wilson's interval at the effective number of trials.

    successes, trials: int (n_groups,), one pair of counts per group. The design effect is the variance of the ratio
    between groups over the binomial one (Korn & Graubard 1998; with Wilson's interval: Franco et al. 2019). It is
    taken as at least 1, and where all trials agree the groups themselves count as the trials.
    """
    successes, trials = successes[trials > 0], trials[trials > 0]
    n_groups, n = len(trials), int(trials.sum())
    if n_groups == 0:
        return ScoreInterval(math.nan, 0.0, 1.0)
    proportion = float(successes.sum()) / n
    effective = float(n_groups)
    if 0 < proportion < 1 and n_groups > 1:
        between = n_groups / (n_groups - 1) * float(((successes - proportion * trials) ** 2).sum()) / n**2
        design_effect = max(1.0, between / (proportion * (1 - proportion) / n))
        effective = n / design_effect
    return replace(wilson(min(proportion * effective, effective), effective, level), value=proportion)


def accuracy_with_interval(right: np.ndarray, clusters: np.ndarray | None) -> ScoreInterval:
    """The share of right answers, with the interval of `wilson`, or of `clustered_wilson` where images are alike.

    right: bool (n,), n at least 1; clusters: (n,), one number for images that are alike, None where none are.
    """
    if clusters is None:
        return wilson(int(right.sum()), len(right))
    own = np.unique(clusters, return_inverse=True)[1]
    return clustered_wilson(np.bincount(own, right).astype(int), np.bincount(own))


def affordable_resamples(seconds: float, n_resamples: int = 1000) -> int:
    """How many resamples a score gets that takes so many seconds a call: a hundred of a slow one."""
    return n_resamples if seconds <= SLOW_SECONDS else min(n_resamples, FEW_RESAMPLES)


def seconds_of(
    score: Callable[[np.ndarray, np.ndarray], object], labels: np.ndarray, probabilities: np.ndarray
) -> float:
    """What a call of a score takes: the faster of two, so that a busy machine makes no score slow."""
    taken = []
    for _ in range(2):
        began = time.perf_counter()
        score(labels, probabilities)
        taken.append(time.perf_counter() - began)
        if taken[-1] <= SLOW_SECONDS:
            break
    return min(taken)


def bootstrap(
    score: ScoreFunction,
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    bounds: tuple[float, float] | None = None,
) -> ScoreInterval:
    """A score with its percentile interval over resampled items (Efron & Tibshirani 1993, chapters 13 and 8).

    labels: int (n,); probabilities: (n, n_classes). groups: (n,), any values; where given, whole groups are drawn, for
    the items of one group are not independent. Resamples in which the score is undefined (NaN, because a class it
    needs was not drawn) are left out: the interval is that of the score where it exists. bounds: the least and the
    greatest possible score, where there are. A score with bounds is widened by the errors that the sample is too small
    to show, class by class (`allow_for_unseen`); one without only where its interval would have no width. Where fewer
    than two items or groups, or a score that is undefined in more than half of the resamples, allow no interval, it is
    the bounds, or NaN at both ends without them.
    """
    if not len(labels):
        return UNDEFINED
    n_resamples = affordable_resamples(seconds_of(score, labels, probabilities), n_resamples)
    values = [
        _number(score(labels[rows], probabilities[rows])) for rows in _resamples(len(labels), groups, n_resamples, seed)
    ]
    found = _with_percentiles(_number(score(labels, probabilities)), np.array(values), n_resamples, level)
    if not found.has_interval:
        return replace(found, low=bounds[0], high=bounds[1]) if bounds and found.is_defined else found
    if bounds or found.low == found.high:
        found = allow_for_unseen(
            found, lambda *of: _number(score(*of)), labels, probabilities, groups=groups, limit=_unseen_share(level)
        )
    return replace(found, low=max(found.low, bounds[0]), high=min(found.high, bounds[1])) if bounds else found


def paired_difference(
    score: ScoreFunction,
    labels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> ScoreInterval:
    """score(second) - score(first) with its percentile interval, both scored on the same resamples.

    first, second: probabilities (n, n_classes) of two models for the same items. Groups and undefined resamples are
    treated as in `bootstrap`. A difference that is the same in all resamples gets the width that the unseen errors of
    both models allow; only a model's difference from itself is exactly 0.
    """
    if len(labels):
        n_resamples = affordable_resamples(seconds_of(score, labels, first), n_resamples)
    values = [
        _number(score(labels[rows], second[rows])) - _number(score(labels[rows], first[rows]))
        for rows in _resamples(len(labels), groups, n_resamples, seed)
    ]
    at_first, at_second = _number(score(labels, first)), _number(score(labels, second))
    found = _with_percentiles(at_second - at_first, np.array(values), n_resamples, level)
    if found.low != found.high or np.array_equal(first, second):
        return found
    share = _unseen_share(level)
    found = allow_for_unseen(
        found, lambda labels, p: _number(score(labels, p)) - at_first, labels, second, groups=groups, limit=share
    )
    return allow_for_unseen(
        found, lambda labels, p: at_second - _number(score(labels, p)), labels, first, groups=groups, limit=share
    )


# scipy.stats.bootstrap knows no clusters, and one undefined resample makes its whole interval NaN; given row numbers
# in place of data, it would save only the line that draws them.
def _resamples(n: int, groups: np.ndarray | None, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Row numbers of each resample; none where there are fewer than two items or groups to draw from."""
    rng = np.random.default_rng(seed)
    if groups is None:
        for _ in range(n_resamples if n > 1 else 0):
            yield rng.integers(0, n, n)
        return
    if len(groups) != n:
        raise ValueError(f"{len(groups)} groups for {n} items; expected one per item")
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    by_group = np.argsort(inverse, kind="stable")
    starts = np.cumsum(sizes) - sizes
    for _ in range(n_resamples if len(sizes) > 1 else 0):
        drawn = rng.integers(0, len(sizes), len(sizes))
        ends = np.cumsum(sizes[drawn])
        # Within each drawn group: its first place in `by_group`, then on by one.
        places = np.arange(ends[-1]) + np.repeat(starts[drawn] - (ends - sizes[drawn]), sizes[drawn])
        yield by_group[places]


def _with_percentiles(value: float, resampled: np.ndarray, n_resamples: int, level: float) -> ScoreInterval:
    defined = resampled[np.isfinite(resampled)]
    if len(defined) == 0 or 2 * len(defined) < n_resamples:
        return ScoreInterval(value)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return ScoreInterval(value, float(low), float(high))


def _number(value: float | Proportion) -> float:
    return value.value if isinstance(value, Proportion) else float(value)


def _unseen_share(level: float) -> Callable[[int], float]:
    """By Wilson, the greatest share of answers that n images without one do not exclude."""
    return lambda n: wilson(0, n, level).high


def _normal_quantile(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + level) / 2)
