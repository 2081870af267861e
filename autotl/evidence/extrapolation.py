"""What more images would bring: a learning curve's inverse power law, carried on, with what is not known of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autotl.predictions import Predictions

EXPONENT, EXPONENT_SPREAD = -0.35, 0.2
"""The error falls with the number of images to the power of this: for image classifiers -0.07 to -0.35 where training
sets are huge (Hestness et al. 2017), steeper where a few images of each class are all there is."""
FLATTENING, FLATTENING_SPREAD = 0.85, 0.25
"""Curves flatten: the exponent ahead, as a share of the one behind, and how much that differs."""
_DRAWS = 300
Error = Callable[[np.ndarray, np.ndarray], float]
"""error(labels, probabilities): from 0 upwards, 0 for perfect answers."""


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Answers of one head to the same items, fitted to ever more images.

    shares: of the training images of a fold, rising to 1; predictions: one for each share, all of the same items.
    """

    shares: tuple[float, ...]
    predictions: tuple[Predictions, ...]


def exponents(curve: LearningCurve, error: Error, *, groups: np.ndarray | None, seed: int) -> np.ndarray:
    """Draws of the exponent by which the error goes on falling, float (n_draws,), none above 0.

    Each draw fits the power law to a resample of the items, or of the groups, draws around it by what the items do not
    tell, and lets it flatten; the prior counts for as much as a curve whose exponent is as uncertain.
    """
    rng = np.random.default_rng(seed)
    logs, labels = np.log(curve.shares), curve.predictions[0].labels
    floor = 0.25 / len(labels)  # an error of 0 has no logarithm, and is not one
    slopes = []
    for _ in range(_DRAWS):
        rows = _resample(len(labels), groups, rng)
        errors = [error(labels[rows], p.probabilities[rows]) for p in curve.predictions]
        if all(map(math.isfinite, errors)):
            slopes.append(np.polyfit(logs, np.log(np.maximum(errors, floor)), 1)[0])
    if not slopes:
        slopes = [EXPONENT]
    spread = float(np.std(slopes)) + 0.05
    weight = EXPONENT_SPREAD**2 / (EXPONENT_SPREAD**2 + spread**2)
    centre = weight * float(np.median(slopes)) + (1 - weight) * EXPONENT
    drawn = centre + math.sqrt(weight) * spread * rng.standard_normal(_DRAWS)
    return np.asarray(np.minimum(drawn * (FLATTENING + FLATTENING_SPREAD * rng.standard_normal(_DRAWS)), 0))


def remaining_error(error: float, exponents: np.ndarray, growth: float) -> np.ndarray:
    """The error with `growth` times the images, one for each exponent."""
    return np.asarray(error * growth**exponents)


def _resample(n: int, groups: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    if groups is None:
        return rng.integers(0, n, n)
    numbers = np.unique(groups, return_inverse=True)[1]
    weights = rng.multinomial(numbers.max() + 1, np.full(numbers.max() + 1, 1 / (numbers.max() + 1)))
    return np.repeat(np.arange(n), weights[numbers])


def spread_of(draws: Sequence[float] | np.ndarray, noise: float, seed: int) -> tuple[float, float, float]:
    """Median, and the ends of the 80 % interval, of draws with a normal noise of that deviation on top."""
    noisy = np.asarray(draws) + noise * np.random.default_rng(seed).standard_normal(len(draws))
    low, middle, high = np.quantile(noisy, [0.1, 0.5, 0.9])
    return float(middle), float(low), float(high)
