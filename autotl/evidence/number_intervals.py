"""Intervals for predicted numbers, from the errors of items that the model was not fitted on."""

from __future__ import annotations

import math

import numpy as np

from autotl.evidence.intervals import clustered_wilson, wilson
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions

LEVEL = 0.9
"""The share of new items whose true number lies within the interval, if they are like those of the training."""


def half_width(searched: Predictions, level: float = LEVEL) -> float | None:
    """Half the width of intervals around predicted values; None where there are too few items for the level.

    The conformal quantile of the absolute out-of-fold errors (cross-conformal prediction: Vovk 2015, Annals of
    Mathematics and Artificial Intelligence 74, 9-28).
    """
    errors = np.sort(np.abs(searched.probabilities[:, 0] - searched.labels))
    rank = math.ceil(level * (len(errors) + 1))
    return float(errors[rank - 1]) if rank <= len(errors) else None


def coverage(tested: Predictions, half: float, groups: np.ndarray | None) -> ScoreInterval:
    """The share of test items whose number lies within the interval, with its own interval."""
    within = np.abs(tested.probabilities[:, 0] - tested.labels) <= half
    if groups is None:
        return wilson(int(within.sum()), len(within))
    own = np.unique(groups, return_inverse=True)[1]
    return clustered_wilson(np.bincount(own, within).astype(int), np.bincount(own))
