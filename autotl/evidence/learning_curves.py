"""The gain to expect from more images: extrapolated learning curves of the balanced accuracy and of per-class recall.

The power law and its uncertainty come from `extrapolation`; here they are turned into gains with intervals. On halves
and three quarters of digits, clothes, stamps and faces, the 80 % intervals contained the true value in 78 % of 32 cases
for all classes together and in 82 % of 204 cases for single classes: tests/benchmarks/bench_learning_curves.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autotl.evidence.extrapolation import LearningCurve, exponents, remaining_error, spread_of
from autotl.evidence.intervals import accuracy_with_interval, score_interval
from autotl.evidence.tiny_models import mean_of
from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.learning_curves import ClassWorth, CurvePoint

AHEAD = (1.25, 1.5, 2.0)
"""Multiples of the current number of images; extrapolating a curve further would be guessing."""
MORE = 30
CHANCE, CHANCE_POWER = 0.9, 1 / 3
"""Refitting a head to more images changes its score by chance. The standard deviation of this change is CHANCE standard
errors times the share of new images to the power CHANCE_POWER; both were chosen by back-tests on halves and three
quarters of four data sets."""


def balanced_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """1 minus the mean recall of the classes that occur."""
    right = probabilities.argmax(axis=1) == labels
    counts = np.bincount(labels)
    present = counts > 0
    return 1 - float((np.bincount(labels, right)[present] / counts[present]).mean())


def class_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The share of wrong answers."""
    return float((probabilities.argmax(axis=1) != labels).mean())


def curve_points(
    curve: LearningCurve, n_images: int, *, groups: np.ndarray | None, seed: int, ahead: Sequence[float] = AHEAD
) -> tuple[CurvePoint, ...]:  # fmt: skip
    """The measured balanced accuracy with 95 % intervals, and its extrapolation with 80 % intervals.

    n_images: the number of images at a share of 1. groups: (n,), equal for items that are not independent. ahead:
    multiples of n_images.
    """
    points = []
    for share, answers in zip(curve.shares, curve.predictions, strict=True):
        score = score_interval(
            lambda labels, probabilities: 1 - balanced_error(labels, probabilities),
            answers.labels, answers.probabilities, groups=groups, seed=seed, bounds=(0, 1),
        )  # fmt: skip
        points.append(CurvePoint(round(share * n_images), score, is_measured=True))
    now = points[-1].score.value
    drawn = exponents(curve, balanced_error, groups=groups, seed=seed)
    deviation = _deviation(curve.predictions[-1])
    for growth in ahead:
        gain = _gain(1 - now, drawn, growth, deviation, seed)
        low, high = (min(max(now + end, 0.0), 1.0) for end in (gain.low, gain.high))
        points.append(CurvePoint(round(growth * n_images), ScoreInterval(now + gain.value, low, high), False))
    return tuple(points)


def gain_of(points: Sequence[CurvePoint]) -> ScoreInterval:
    """The gain from the last measured point to the last extrapolated one; undefined if one of them is missing."""
    measured = [point for point in points if point.is_measured]
    if not measured or points[-1].is_measured:
        return UNDEFINED
    now, then = measured[-1].score.value, points[-1].score
    return ScoreInterval(then.value - now, then.low - now, then.high - now)


def class_worth(
    curve: LearningCurve, label: str, n_images: int, *, more: int = MORE, groups: np.ndarray | None, seed: int
) -> ClassWorth:  # fmt: skip
    """The gain in recall to expect from more images of one class.

    curve: answers to the images of this class only, by heads that were fitted to increasing shares of this class and to
    all images of the others. n_images: number of images of the class at a share of 1.
    """
    now = curve.predictions[-1]
    error = class_error(now.labels, now.probabilities)
    recall = accuracy_with_interval(now.probabilities.argmax(axis=1) == now.labels, groups)
    drawn = exponents(curve, class_error, groups=groups, seed=seed)
    gain = _gain(error, drawn, 1 + more / n_images, _deviation(now), seed)
    return ClassWorth(label, n_images, recall, gain)


def _gain(error: float, drawn: np.ndarray, growth: float, deviation: float, seed: int) -> ScoreInterval:
    """The reduction of an error with `growth` times the images, including the chance variation of refitting a head."""
    noise = CHANCE * deviation * (1 - 1 / growth) ** CHANCE_POWER
    removed = error - remaining_error(error, drawn, growth)
    value = float(np.median(removed))
    _, low, high = spread_of(removed, noise, seed)
    return ScoreInterval(value, min(low, value), max(value, min(high, error)))


def _deviation(answers: Predictions) -> float:
    """The standard error of the mean recall."""
    counts = np.bincount(answers.labels)
    right = np.bincount(answers.labels, answers.probabilities.argmax(axis=1) == answers.labels)
    present = counts > 0
    return mean_of(right[present] / counts[present], counts[present]).error
