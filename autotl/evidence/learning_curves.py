"""What more images would bring: a learning curve of the balanced accuracy, and of each class's recall, carried on.

The power law and its uncertainty are those of `extrapolation`; here they become gains with intervals. On halves and on
three quarters of digits, clothes, stamps and faces the 80 % intervals held in 78 % of 32 cases for all classes together
and in 82 % of 204 for single ones: tests/benchmarks/bench_learning_curves.py.
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
"""Times the images there are: to carry a curve on further than it was measured is guessing."""
MORE = 30
CHANCE, CHANCE_POWER = 0.9, 1 / 3
"""A head that is fitted anew to so many times the images differs by chance by this many standard errors times this
power of the share of images that are new; back-tests on a half and on three quarters of four sets chose it."""


def balanced_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """1 less the mean recall of the classes that occur."""
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
    """The balanced accuracy that was measured, with its 95 % interval, and ahead of it, with an 80 % interval.

    n_images: at a share of 1. groups: (n,), of items that are not independent. ahead: times these images.
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
    """What the last point adds to the last that was measured."""
    measured = [point for point in points if point.is_measured]
    if not measured or points[-1].is_measured:
        return UNDEFINED
    now, then = measured[-1].score.value, points[-1].score
    return ScoreInterval(then.value - now, then.low - now, then.high - now)


def class_worth(
    curve: LearningCurve, label: str, n_images: int, *, more: int = MORE, groups: np.ndarray | None, seed: int
) -> ClassWorth:  # fmt: skip
    """What more images of one class change of its recall.

    curve: answers to the images of this class only, by heads that were fitted to ever more images of this class and to
    all of the others. n_images: of the class, at a share of 1.
    """
    now = curve.predictions[-1]
    error = class_error(now.labels, now.probabilities)
    recall = accuracy_with_interval(now.probabilities.argmax(axis=1) == now.labels, groups)
    drawn = exponents(curve, class_error, groups=groups, seed=seed)
    gain = _gain(error, drawn, 1 + more / n_images, _deviation(now), seed)
    return ClassWorth(label, n_images, recall, gain)


def _gain(error: float, drawn: np.ndarray, growth: float, deviation: float, seed: int) -> ScoreInterval:
    """What so many times the images remove of an error, with the chance in fitting a head anew to other images."""
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
