"""What resampling cannot show: answers of a kind that a sample holds none of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from autotl.interfaces import ScoreInterval

ScoreValue = Callable[[np.ndarray, np.ndarray], float]


def allow_for_unseen(
    interval: ScoreInterval,
    score: ScoreValue,
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    groups: np.ndarray | None,
    limit: Callable[[int], float],
) -> ScoreInterval:
    """Widen a bootstrap interval by the answers that were not seen.

    Where all images of a class are answered rightly, or all wrongly, each resample repeats that, however few they are.
    So for each such class as many answers as `limit(n)` allows, the most certain first, are turned into their
    opposite, and the interval is widened by the root of the sum of the squared changes (Zou & Donner 2008, Statistics
    in Medicine 27, 1693). Where the interval has no width at all, every class is taken so.

    labels: int (n,); probabilities: (n, n_classes); groups: (n,) or None, as in `bootstrap`. limit: the share of
    answers of a kind that n independent images without a single one do not exclude.
    """
    value = interval.value
    below, above = max(value - interval.low, 0.0), max(interval.high - value, 0.0)
    flat = below + above <= 1e-12 * max(1.0, abs(value))
    for rows, n_flipped, expected in _flips(labels, probabilities, groups, limit, every_class=flat):
        changed = probabilities.copy()
        changed[rows] = _flipped(labels[rows], probabilities[rows])
        change = (score(labels, changed) - value) * expected / n_flipped
        if change < 0:
            below = math.hypot(below, change)
        elif change > 0:
            above = math.hypot(above, change)
    return replace(interval, low=min(interval.low, value - below), high=max(interval.high, value + above))


def _flips(
    labels: np.ndarray,
    probabilities: np.ndarray,
    groups: np.ndarray | None,
    limit: Callable[[int], float],
    *,
    every_class: bool,
) -> Iterator[tuple[np.ndarray, int, float]]:
    """Rows to flip, how many they are, and how many of them would be expected at the limit."""
    right = probabilities.argmax(axis=1) == labels
    certainty = np.abs(_margins(labels, probabilities))
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        n_independent = len(of_class) if groups is None else len(np.unique(groups[of_class]))
        for outcome in (True, False):
            members = of_class[right[of_class] == outcome]
            if not len(members) or (len(members) < len(of_class) and not every_class):
                continue
            expected = len(members) * limit(n_independent)
            n_flipped = max(1, round(expected))
            ordered = members[np.argsort(-certainty[members], kind="stable")]
            yield ordered[:n_flipped], n_flipped, expected


def _margins(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The probability of the true class less that of the most probable other one."""
    others = probabilities.astype(float)
    rows = np.arange(len(labels))
    margins: np.ndarray = others[rows, labels].copy()
    others[rows, labels] = -np.inf
    margins -= others.max(axis=1)
    return margins


def _flipped(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Probabilities with that of the true class and of the most probable other one exchanged."""
    rows = np.arange(len(labels))
    others = probabilities.astype(float)
    others[rows, labels] = -np.inf
    rival = others.argmax(axis=1)
    swapped = probabilities.copy()
    swapped[rows, labels], swapped[rows, rival] = probabilities[rows, rival], probabilities[rows, labels]
    return swapped
