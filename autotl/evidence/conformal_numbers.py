"""Conformal intervals of numbers: intervals around a predicted number that hold the true one with a given probability.

With residuals of items that the model was not fitted on it is split conformal prediction, whose coverage is guaranteed
where items are exchangeable (Vovk et al. 2005; Lei et al. 2018). Out-of-fold residuals around the model that was
refitted on all items have no such guarantee; its own test items say what they cover.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autotl.evidence.abstention.conformal_sets import conformal_quantile, needed_items
from autotl.evidence.abstention.representatives import representatives
from autotl.evidence.intervals import accuracy_with_interval
from autotl.interfaces import ScoreInterval

ALPHA = 0.1
"""The share of cases in which an interval may miss the true number."""
LEVELS = (0.5, 0.8, 0.9, 0.95)
_FEWEST_IN_A_PART = 20


@dataclass(frozen=True)
class NumberInterval:
    """An interval of value - half_width to value + half_width.

    level: the share of cases in which it is to hold the true number. n: independent residuals it is calibrated on.
    """

    level: float
    half_width: float
    n: int


@dataclass(frozen=True)
class Coverage:
    """How often intervals hold the true number.

    level: the share that they are to hold. part: the items concerned, in words; half_width: of the intervals; n: number
    of items; covered: the share that was found.
    """

    level: float
    part: str
    half_width: float
    n: int
    covered: ScoreInterval


def calibrate_interval(
    residuals: np.ndarray, *, alpha: float = ALPHA, clusters: np.ndarray | None = None, seed: int = 0
) -> NumberInterval | None:
    """The interval for a miss rate of alpha, in (0, 1); None if there are too few residuals.

    residuals: float (n,), true less predicted numbers of items that the model was not fitted on. clusters: int (n,),
    equal for items that belong together, of which one each is used.
    """
    rows = representatives(np.zeros(len(residuals), dtype=int), clusters, seed=seed)
    if len(rows) < needed_items(alpha):
        return None
    return NumberInterval(1 - alpha, conformal_quantile(np.abs(residuals[rows]), alpha), len(rows))


def coverage_table(
    numbers: np.ndarray, values: np.ndarray, residuals: np.ndarray, *, clusters: np.ndarray | None = None,
    calibration_clusters: np.ndarray | None = None, seed: int = 0, n_parts: int = 3,
) -> list[Coverage]:  # fmt: skip
    """What intervals of 50, 80, 90 and 95 % cover of other items; then those of 90 % by the size of what is predicted.

    numbers, values: float (n,), true and predicted numbers of items that nothing was fitted on, alike where clusters,
    int (n,), are equal. residuals: float (n_calibration,), and calibration_clusters: as for `calibrate_interval`.
    Levels for which there are too few residuals are left out, as are parts where one would have fewer than 20 items.
    """
    if not len(numbers):
        return []
    errors = np.abs(numbers - values)
    found = []
    for level in LEVELS:
        interval = calibrate_interval(residuals, alpha=1 - level, clusters=calibration_clusters, seed=seed)
        if interval is not None:
            parts = {"all": np.ones(len(numbers), dtype=bool)}
            if level == 1 - ALPHA:
                parts |= _parts(values, n_parts)
            found += [_coverage(interval, name, errors, inside, clusters) for name, inside in parts.items()]
    return sorted(found, key=lambda row: row.part != "all")


def _parts(values: np.ndarray, n_parts: int) -> dict[str, np.ndarray]:
    """Items by the size of what is predicted, in parts of about as many, bool (n,) by name; none where they are few."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n_parts + 1)[1:-1]))
    number = np.searchsorted(edges, values, side="right")
    if np.bincount(number, minlength=len(edges) + 1).min() < _FEWEST_IN_A_PART:
        return {}
    ends = [(values[number == one].min(), values[number == one].max()) for one in range(len(edges) + 1)]
    return {f"predicted {low:.4g} to {high:.4g}": number == one for one, (low, high) in enumerate(ends)}


def _coverage(
    interval: NumberInterval, part: str, errors: np.ndarray, inside: np.ndarray, clusters: np.ndarray | None
) -> Coverage:
    held = errors[inside] <= interval.half_width
    covered = accuracy_with_interval(held, None if clusters is None else clusters[inside])
    return Coverage(interval.level, part, interval.half_width, len(held), covered)
