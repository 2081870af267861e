"""Score intervals: the values of a score that a sample does not contradict, by tilting the sample towards them.

A value is within the interval where its distance from what was found is at most z standard errors, the standard error
being that of the most likely population which has this value (Wilson 1927 for one proportion; Miettinen & Nurminen
1985, Statistics in Medicine 4, 213, for sums over strata; Tango 1998, Statistics in Medicine 17, 891, for paired
differences; Owen 2001, Empirical likelihood, for means of anything). So an interval has a width where the sample has
none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

_NEWTON_STEPS, _BRACKET_STEPS = 60, 80
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Influences:
    """What each kind of answer adds to a score, to first order.

    values: float (n_kinds,), what the score would change by if a whole stratum were of this kind, less its mean;
    counts: float (n_kinds,), how often each was seen, 0 for one that the sample is too small to show; strata: int
    (n_kinds,), in rising order. lost: degrees of freedom that a stratum loses to its own mean, 0 or 1.
    """

    values: np.ndarray
    counts: np.ndarray
    strata: np.ndarray
    lost: int = 0

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each stratum begins."""
        return np.flatnonzero(np.r_[True, self.strata[1:] != self.strata[:-1]])

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of answers in each stratum."""
        return np.asarray(np.add.reduceat(self.counts, self.starts))

    @cached_property
    def place(self) -> np.ndarray:
        """The number of each kind's stratum."""
        return np.repeat(np.arange(len(self.starts)), np.diff(np.r_[self.starts, len(self.values)]))

    @cached_property
    def variances(self) -> np.ndarray:
        """What the answers of each stratum add to the variance of the score."""
        return np.asarray(self._moment(2) / np.maximum(self.sizes - self.lost, 1))

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance of the score (Satterthwaite 1946).

        Where every kind of answer was seen, rare large ones make them fewer (by the fourth moments, Box 1953); where
        not, the unseen kind stands for those.
        """
        parts, total = self._moment(2) / self.sizes, float((self._moment(2) / self.sizes).sum())
        if not total > 0:
            return float(self.sizes.sum())
        found = total**2 / float((parts**2 / self.sizes).sum())
        uncertainty = float(((self._moment(4) / self.sizes**2 - parts**2) / self.sizes).sum())
        if uncertainty > 0 and (self.counts > 0).all():
            found = min(found, 2 * total**2 / uncertainty)
        return found

    def _moment(self, power: int) -> np.ndarray:
        means = np.add.reduceat(self.counts * self.values, self.starts) / self.sizes
        deviations = (self.values - means[self.place]) ** power
        return np.asarray(np.add.reduceat(self.counts * deviations, self.starts) / self.sizes)


def changes_not_excluded(influences: Influences, z: float) -> tuple[float, float]:
    """The least and the greatest change of the score that the sample does not exclude at z standard errors."""
    scale = float(np.abs(influences.values).max(initial=0.0))
    if not scale > 0:
        return 0.0, 0.0
    low, high = (_furthest(influences, sign / scale, z) for sign in (-1, 1))
    return min(low, 0.0), max(high, 0.0)


def standard_errors_to(influences: Influences, change: float) -> float:
    """The number of standard errors to a change of the score, at the most likely population that has it; at least 0.

    At this number of standard errors, `changes_not_excluded` ends at the change. Infinite if no population has it.
    """
    from scipy.optimize import brentq

    scale = float(np.abs(influences.values).max(initial=0.0))
    if not scale > 0:
        return math.inf if change else 0.0
    direction = math.copysign(1 / scale, change)

    def excess(log_tilt: float) -> float:
        return abs(_tilted(influences, direction * math.exp(log_tilt))[0]) - abs(change)

    low = high = 0.5 * math.log(float(influences.sizes.max()) + 1)
    for _ in range(_BRACKET_STEPS):
        if excess(low) < 0:
            break
        low, high = low - 2, low
    else:
        return 0.0  # a change below rounding
    for _ in range(_BRACKET_STEPS):
        if excess(high) > 0:
            break
        low, high = high, high + 1.5
    else:
        return math.inf
    variance = _tilted(influences, direction * math.exp(brentq(excess, low, high, xtol=1e-6)))[1]
    return abs(change) / math.sqrt(variance) if variance > 0 else math.inf


def _furthest(influences: Influences, direction: float, z: float) -> float:
    """Where, by tilting ever more, the change reaches z standard errors."""
    from scipy.optimize import brentq

    def excess(log_tilt: float) -> float:
        change, variance = _tilted(influences, direction * math.exp(log_tilt))
        return 2 * math.log(max(abs(change), 1e-300)) - math.log(max(z * z * variance, 1e-300))

    high = 0.5 * math.log(float(influences.sizes.max()) + 1)
    low = high - 4
    for _ in range(_BRACKET_STEPS):
        if excess(low) < 0:
            break
        low, high = low - 2, low
    else:
        return 0.0
    for _ in range(_BRACKET_STEPS):
        if excess(high) > 0:
            break
        low, high = high, high + 1.5
    else:
        return _tilted(influences, direction * math.exp(high))[0]
    return _tilted(influences, direction * math.exp(brentq(excess, low, high, xtol=1e-4)))[0]


def _tilted(influences: Influences, tilt: float) -> tuple[float, float]:
    """The change of the score in the most likely tilted population, and the variance of the score there."""
    values, starts = influences.values, influences.starts
    shares = _shares(influences, tilt)
    means = np.add.reduceat(shares * values, starts)
    variances = np.maximum(np.add.reduceat(shares * values**2, starts) - means**2, 0)
    return float(means.sum()), float((variances / np.maximum(influences.sizes - influences.lost, 1)).sum())


def _shares(influences: Influences, tilt: float) -> np.ndarray:
    """The shares in each stratum that maximise the likelihood plus tilt times the score.

    They are counts / (multiplier - tilt * values), the multiplier such that they sum to 1; what cannot be reached so
    falls to the extreme kind, where that was never seen.
    """
    counts, starts, place = influences.counts, influences.starts, influences.place
    seen, heights = counts > 0, tilt * influences.values
    heights_seen = np.where(seen, heights, -np.inf)
    top_seen, top = np.maximum.reduceat(heights_seen, starts), np.maximum.reduceat(heights, starts)
    at_top = np.add.reduceat(np.where(heights_seen >= top_seen[place], counts, 0.0), starts)
    multiplier = np.maximum(top_seen + at_top * (1 - 1e-12), top)
    for _ in range(_NEWTON_STEPS):  # from the left, where the sum is too large: it falls, and is convex
        shares = _divided(counts, multiplier[place] - heights)
        over = np.add.reduceat(shares, starts) - 1
        if not (over > _ROUNDING / 10).any():
            break
        slope = np.add.reduceat(_divided(shares, multiplier[place] - heights), starts)
        multiplier = np.where(over > 0, multiplier + over / np.where(slope > 0, slope, 1), multiplier)
    missing = 1 - np.add.reduceat(shares, starts)
    for number in np.flatnonzero(missing > _ROUNDING):
        own = np.flatnonzero(place == number)
        shares[own[heights[own].argmax()]] += missing[number]
    return shares


def _divided(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotients, 0 where the numerator is."""
    quotients = np.zeros(len(numerator))
    np.divide(numerator, denominator, out=quotients, where=numerator > 0)
    return quotients
