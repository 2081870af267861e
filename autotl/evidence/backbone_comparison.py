"""Which backbones the sample tells apart, and how many images would tell the others apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from autotl.evidence.design_effects import effective_share
from autotl.evidence.intervals import paired_difference
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions, item_losses, mean_loss

ERROR, POWER = 0.05, 0.8
RELEVANT_SHARE = 0.03
"""A smaller share of the log loss is not worth a pass over all images, as the planner sees it."""


@dataclass(frozen=True)
class Comparison:
    """The log loss of a model minus that of the best one, and how many images would show the difference.

    images_needed: None if the sample shows the difference, or if the answers are the same.
    """

    difference: ScoreInterval
    images_needed: int | None


def compare_with_best(
    best: Predictions, others: Sequence[Predictions], *, groups: np.ndarray | None, seed: int
) -> list[Comparison]:
    """Compare models with the best one, all on the same items in the same order.

    groups: (n,), equal for items that are alike; None if none are. The intervals hold together at 95 % (Bonferroni), so
    that the best model may be the one that the sample found best (Hsu 1984, The Annals of Statistics 12, 1136).
    """
    error = ERROR / max(1, len(others))
    found = []
    for other in others:
        difference = paired_difference(
            mean_loss, best.labels, best.probabilities, other.probabilities, groups=groups, seed=seed, level=1 - error
        )
        is_told = difference.has_interval and difference.low > 0
        found.append(Comparison(difference, None if is_told else _images_needed(best, other, groups, error)))
    return found


def _images_needed(best: Predictions, other: Predictions, groups: np.ndarray | None, error: float) -> int | None:
    """The images on which a paired difference is found with a power of 80 %: variance * (z / difference) ** 2.

    It is the usual formula for the mean of paired differences (Julious 2004, Statistics in Medicine 23, 1921), with the
    variance seen, and the difference seen or the smallest relevant one, whichever is larger.
    """
    losses, best_losses = (item_losses(one.labels, one.probabilities) for one in (other, best))
    differences = losses - best_losses
    if len(differences) < 2 or not differences.any():
        return None
    deviations = differences - differences.mean()
    variance = float(differences.var(ddof=1)) / effective_share(deviations, groups)
    distance = max(abs(float(differences.mean())), RELEVANT_SHARE * float(best_losses.mean()))
    z = NormalDist().inv_cdf(1 - error / 2) + NormalDist().inv_cdf(POWER)
    return max(math.ceil(variance * (z / distance) ** 2), len(differences) + 1)
