"""Whether a model's errors follow a shortcut: is it wrong more often where the shortcut misleads, within classes?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autotl.evidence.holm import holm
from autotl.evidence.intervals import accuracy_with_interval
from autotl.evidence.shortcuts import LEVEL
from autotl.evidence.tiny_models import Guesses
from autotl.interfaces import UNDEFINED, ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.shortcuts import Following, Shortcut

_DRAWS = 4000
_PRIOR_IMAGES = 2
"""The weight of the prior, in images: both shares are shrunk towards the error rate of the class."""


def follow(guesses: Guesses, model: Predictions, *, groups: np.ndarray | None = None, seed: int = 0) -> Following:
    """Compare the errors of a model on the images that mislead a tiny model with those on the others.

    guesses, model: held-out answers to the same images in the same order. groups: (n,), equal for images that are not
    independent. The difference is taken within the classes, with Mantel-Haenszel weights (Mantel & Haenszel 1959). Its
    interval comes from independent beta posteriors, whose prior mean is the error rate of the class.
    """
    misled, wrong, labels = ~guesses.right, model.probabilities.argmax(axis=1) != model.labels, model.labels
    n_misled, n_others = int(misled.sum()), int((~misled).sum())
    difference, p_value = _difference(misled, wrong, labels, _thinning(wrong, groups), seed)
    return Following(
        n_misled, n_others, _share(wrong[misled]), _share(wrong[~misled]), difference,
        _association(_certainty(np.log(np.maximum(model.probabilities, 1e-12)), labels),
                     _certainty(guesses.scores, labels), labels),
        p_value,
    )  # fmt: skip


def corrected(shortcuts: Sequence[Shortcut]) -> tuple[Shortcut, ...]:
    """The shortcuts with the p-values of `following` corrected by Holm's method, and `is_clear` set accordingly."""
    asked = [one.following for one in shortcuts if one.following]
    adjusted = iter(holm([following.p_value for following in asked]).tolist())
    return tuple(_with_p_value(one, next(adjusted)) if one.following else one for one in shortcuts)


def _with_p_value(one: Shortcut, p_value: float) -> Shortcut:
    assert one.following is not None
    return replace(one, following=replace(one.following, p_value=p_value, is_clear=p_value <= LEVEL))


def _difference(
    misled: np.ndarray, wrong: np.ndarray, labels: np.ndarray, thinning: float, seed: int
) -> tuple[ScoreInterval, float]:  # fmt: skip
    """The error rate on misleading images minus that on the others, and the p-value that it is not above 0."""
    k = int(labels.max()) + 1
    n = np.stack([np.bincount(labels[side], minlength=k) for side in (misled, ~misled)])
    errors = np.stack([np.bincount(labels[side], wrong[side], minlength=k) for side in (misled, ~misled)])
    both = (n > 0).all(axis=0)
    if not both.any():
        return UNDEFINED, 1.0
    n, errors = n[:, both], errors[:, both]
    weights = n[0] * n[1] / n.sum(axis=0)
    weights = weights / weights.sum()
    value = float(weights @ (errors[0] / n[0] - errors[1] / n[1]))
    expected = (errors.sum(axis=0) + 0.5) / (n.sum(axis=0) + 1)
    first = errors / thinning + _PRIOR_IMAGES * expected
    second = (n - errors) / thinning + _PRIOR_IMAGES * (1 - expected)
    drawn = np.random.default_rng(seed).beta(first, second, (_DRAWS, *n.shape))
    differences = (drawn[:, 0] - drawn[:, 1]) @ weights
    low, high = np.quantile(differences, [0.025, 0.975])
    p_value = (1 + int((differences <= 0).sum())) / (_DRAWS + 1)
    return ScoreInterval(value, min(float(low), value), max(float(high), value)), p_value


def _thinning(wrong: np.ndarray, groups: np.ndarray | None) -> float:
    """The design effect of the groups: the squared ratio of the interval widths with and without them, at least 1."""
    if groups is None:
        return 1.0
    alone, grouped = accuracy_with_interval(wrong, None), accuracy_with_interval(wrong, groups)
    return max(1.0, ((grouped.high - grouped.low) / (alone.high - alone.low)) ** 2)


def _certainty(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The score of the true class minus the highest of the others, float (n,)."""
    rows = np.arange(len(labels))
    others = scores.copy()
    others[rows, labels] = -np.inf
    return np.asarray(scores[rows, labels] - others.max(axis=1))


def _association(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> ScoreInterval:
    """Spearman's rank correlation within the classes, pooled, with an interval by Fisher's z transformation."""
    from scipy.stats import spearmanr

    total = weight = 0.0
    for label in np.unique(labels):
        one, other = first[labels == label], second[labels == label]
        if len(one) > 5 and np.ptp(one) > 0 and np.ptp(other) > 0:
            rho = float(np.clip(spearmanr(one, other).statistic, -0.9999, 0.9999))
            total, weight = total + (len(one) - 3) * math.atanh(rho), weight + len(one) - 3
    if not weight:
        return UNDEFINED
    z, half = total / weight, 1.96 / math.sqrt(weight)
    return ScoreInterval(math.tanh(z), math.tanh(z - half), math.tanh(z + half))


def _share(wrong: np.ndarray) -> float:
    return float(wrong.mean()) if len(wrong) else math.nan
