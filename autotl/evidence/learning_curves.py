"""The gain to expect from more images: extrapolated learning curves of a score, and of per-class recall.

The power law and its uncertainty come from `extrapolation`; here they are turned into gains with intervals. On halves
and three quarters of digits, clothes, stamps and faces, the 80 % intervals contained the true value in 78 % of 32 cases
for all classes together and in 82 % of 204 cases for single classes; for numbers in 95 % and for labels in 88 % of 60
cases each: tests/benchmarks/bench_learning_curves.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotl.evidence.average_precision import average_precisions
from autotl.evidence.extrapolation import Error, LearningCurve, exponents, remaining_error, spread_of
from autotl.evidence.intervals import accuracy_with_interval, score_interval
from autotl.evidence.tiny_models import mean_of
from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.learning_curves import BALANCED_ACCURACY, ClassWorth, CurvePoint
from autotl.targets import LABELS, NUMBER, Kind, kind_of

AHEAD = (1.25, 1.5, 2.0)
"""Multiples of the current number of images; extrapolating a curve further would be guessing."""
MORE = 30
MOST_ANSWERS, FEWEST_ITEMS = 20_000, 200
"""Answers to labels that are resampled: more take seconds. Fewer items would not tell how the curve goes on."""
Z = 1.96
"""Half the width of a 95 % interval in standard errors."""
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


def ranking_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """1 minus the mean average precision of the labels that some items have and others do not; NaN without any."""
    scored = (labels > 0).any(axis=0) & (labels == 0).any(axis=0)
    return (
        1 - float(average_precisions(labels[:, scored], probabilities[:, scored]).mean()) if scored.any() else math.nan
    )


def unexplained(labels: np.ndarray, values: np.ndarray) -> float:
    """1 minus R²: the share of the variance of numbers that is not predicted; NaN if all are equal."""
    total = float(((labels - labels.mean()) ** 2).sum())
    return float(((values[:, 0] - labels) ** 2).sum()) / total if total > 0 else math.nan


@dataclass(frozen=True)
class CurveScore:
    """What a curve shows: 1 minus an error. name: in words; bounds: of the score."""

    name: str
    error: Error
    bounds: tuple[float, float] | None

    def __call__(self, labels: np.ndarray, answers: np.ndarray) -> float:
        """The score."""
        return 1 - self.error(labels, answers)


BALANCED = CurveScore(BALANCED_ACCURACY, balanced_error, (0, 1))
_SCORES = {
    LABELS: CurveScore("mean average precision", ranking_error, (0, 1)),
    NUMBER: CurveScore("R²", unexplained, None),
}


def curve_score(kind: Kind) -> CurveScore:
    """The score that learning curves of a kind of target show."""
    return _SCORES.get(kind, BALANCED)


def class_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The share of wrong answers."""
    return float((probabilities.argmax(axis=1) != labels).mean())


def curve_points(
    curve: LearningCurve, n_images: int, *, groups: np.ndarray | None, seed: int, ahead: Sequence[float] = AHEAD
) -> tuple[CurvePoint, ...]:  # fmt: skip
    """The measured score of `curve_score` with 95 % intervals, and its extrapolation with 80 % intervals.

    n_images: the number of images at a share of 1. groups: (n,), equal for items that are not independent. ahead:
    multiples of n_images.
    """
    points, shown = [], curve_score(kind_of(curve.predictions[0].labels))
    for share, answers in zip(curve.shares, curve.predictions, strict=True):
        score = score_interval(
            shown, answers.labels, answers.probabilities, groups=groups, seed=seed, bounds=shown.bounds
        )  # fmt: skip
        points.append(CurvePoint(round(share * n_images), score, is_measured=True))
    last = points[-1].score
    now, least = last.value, shown.bounds[0] if shown.bounds else -math.inf
    fewer, own = _fewer(curve, groups, seed)
    drawn = exponents(fewer, shown.error, groups=own, seed=seed)
    deviation = _deviation(curve.predictions[-1]) if shown is BALANCED else (last.high - last.low) / (2 * Z)
    for growth in ahead:
        gain = _gain(1 - now, drawn, growth, deviation, seed)
        low, high = (min(max(now + end, least), 1.0) for end in (gain.low, gain.high))
        points.append(CurvePoint(round(growth * n_images), ScoreInterval(now + gain.value, low, high), False))
    return tuple(points)


def _fewer(
    curve: LearningCurve, groups: np.ndarray | None, seed: int
) -> tuple[LearningCurve, np.ndarray | None]:  # fmt: skip
    """The curve and the groups of some items, if there are too many answers to labels to resample all."""
    n, n_labels = curve.predictions[0].probabilities.shape
    if kind_of(curve.predictions[0].labels) != LABELS or n * n_labels <= MOST_ANSWERS:
        return curve, groups
    rows = np.random.default_rng(seed).permutation(n)[: max(FEWEST_ITEMS, MOST_ANSWERS // n_labels)]
    some = tuple(Predictions(one.items[rows], one.labels[rows], one.probabilities[rows]) for one in curve.predictions)
    return LearningCurve(curve.shares, some), None if groups is None else groups[rows]


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
