"""Intervals for scores: Wilson's for proportions, and what Wilson's method gives for everything else."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from autotl.evidence.design_effects import effective_sizes, thinned
from autotl.evidence.influences import Sample, find_influences
from autotl.evidence.tilting import changes_not_excluded
from autotl.interfaces import UNDEFINED, Proportion, ScoreInterval

SLOW_SECONDS, MANY_CALLS, FEW_CALLS = 0.008, 300, 100
"""A score is asked once without each item, or each of at most 300 blocks of items; of a hundred where a call takes
longer than this: three sets of predictions would take a minute."""
ScoreFunction: TypeAlias = Callable[[np.ndarray, np.ndarray], float | Proportion]
"""score(labels, probabilities), as in `Evaluator`, with one number or one proportion as its answer."""


def wilson(successes: float, trials: float, level: float = 0.95) -> ScoreInterval:
    """Return a proportion with its interval (Wilson 1927); without trials it is NaN, from 0 to 1.

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

    successes, trials: int (n_groups,), one pair of counts per group. The effective number is that of
    `effective_sizes` (Korn & Graubard 1998; with Wilson's interval: Franco et al. 2019); where all trials agree, the
    groups themselves count as the trials.
    """
    successes, trials = successes[trials > 0], trials[trials > 0]
    n = int(trials.sum())
    if n == 0:
        return ScoreInterval(math.nan, 0.0, 1.0)
    proportion = float(successes.sum()) / n
    totals, variance = (successes - proportion * trials) / n, proportion * (1 - proportion) / n
    effective = float(effective_sizes([trials], [totals], np.array([n]), np.array([variance]))[0])
    return replace(wilson(min(proportion * effective, effective), effective, level), value=proportion)


def accuracy_with_interval(right: np.ndarray, clusters: np.ndarray | None) -> ScoreInterval:
    """The share of right answers, with the interval of `wilson`, or of `clustered_wilson` where images are alike.

    right: bool (n,), n at least 1; clusters: (n,), one number for images that are alike, None if none are.
    """
    if clusters is None:
        return wilson(int(right.sum()), len(right))
    own = np.unique(clusters, return_inverse=True)[1]
    return clustered_wilson(np.bincount(own, right).astype(int), np.bincount(own))


def affordable_calls(seconds: float) -> int:
    """How often a score is asked for its interval that takes so many seconds a call."""
    return MANY_CALLS if seconds <= SLOW_SECONDS else FEW_CALLS


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


def score_interval(
    score: ScoreFunction,
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
    level: float = 0.95,
    bounds: tuple[float, float] | None = None,
) -> ScoreInterval:
    """A score with the values that the answers do not contradict, by `changes_not_excluded`.

    labels: int (n,); probabilities: (n, n_classes). groups: (n,), any values, of items that are not independent, which
    then count as `thinned` has them. bounds: the least and the greatest possible score, where there are: its classes
    are then samples of their own, as for every mean over the classes; a score without bounds is taken as a mean over
    the items. Where fewer than two items or groups, or a score that no answer changes, allow no interval, it is the
    bounds, or NaN at both ends without them.
    """
    if not len(labels):
        return UNDEFINED
    answer = score(labels, probabilities)
    sample = Sample(
        lambda *of: _number(score(*of)), labels, (probabilities,), _numbered(groups, len(labels)),
        by_class=bounds is not None and not isinstance(answer, Proportion),
    )  # fmt: skip
    value, calls = _number(answer), affordable_calls(seconds_of(score, labels, probabilities))
    found = _interval(sample, value, calls, seed, level)
    if not bounds or not found.is_defined:
        return found
    if not found.has_interval:
        return replace(found, low=bounds[0], high=bounds[1])
    return replace(found, low=max(found.low, bounds[0]), high=min(found.high, bounds[1]))


def paired_difference(
    score: ScoreFunction,
    labels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
    level: float = 0.95,
    bounds: tuple[float, float] | None = None,
) -> ScoreInterval:
    """score(second) - score(first) with its interval, both of the same items.

    first, second: probabilities (n, n_classes) of two models. groups and bounds, which are those of the score: as in
    `score_interval`. Only a model's difference from itself is exactly 0.
    """
    if not len(labels):
        return UNDEFINED
    answer = score(labels, first)
    sample = Sample(
        lambda labels, first, second: _number(score(labels, second)) - _number(score(labels, first)),
        labels, (first, second), _numbered(groups, len(labels)),
        by_class=bounds is not None and not isinstance(answer, Proportion),
    )  # fmt: skip
    value = _number(score(labels, second)) - _number(answer)
    if np.array_equal(first, second):
        return ScoreInterval(value, value, value)
    found = _interval(sample, value, affordable_calls(seconds_of(score, labels, first)), seed, level)
    if not bounds or not found.has_interval:
        return found
    widest = bounds[1] - bounds[0]
    return replace(found, low=max(found.low, -widest), high=min(found.high, widest))


def _interval(sample: Sample, value: float, max_calls: int, seed: int, level: float) -> ScoreInterval:
    n_units = len(sample.labels) if sample.groups is None else int(sample.groups.max()) + 1
    if n_units < 2 or not math.isfinite(value):
        return ScoreInterval(value)
    influences = find_influences(sample, value, max_calls=max_calls, seed=seed)
    influences = thinned(influences, sample, value, max_calls=max_calls, seed=seed)
    z = _normal_quantile(level)
    if influences.lost:
        from scipy.stats import t

        z = float(t.ppf((1 + level) / 2, max(1.0, influences.freedom)))
    below, above = changes_not_excluded(influences, z)
    return ScoreInterval(value, value + below, value + above) if below < above else ScoreInterval(value)


def _numbered(groups: np.ndarray | None, n: int) -> np.ndarray | None:
    """Groups as numbers from 0; None if each item is its own."""
    if groups is None:
        return None
    if len(groups) != n:
        raise ValueError(f"{len(groups)} groups for {n} items; expected one per item")
    numbers = np.unique(groups, return_inverse=True)[1]
    return None if int(numbers.max()) + 1 == n else numbers


def _number(value: float | Proportion) -> float:
    return value.value if isinstance(value, Proportion) else float(value)


def _normal_quantile(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + level) / 2)
