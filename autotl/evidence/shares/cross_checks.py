"""Other estimates of the same shares: a second opinion with labels, and all there is without them."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from autotl.interfaces import UNDEFINED, ScoreInterval

_MOST_STEPS, _NO_CHANGE = 2000, 1e-9


def prediction_powered_mean(
    labels: np.ndarray,
    predicted: np.ndarray,
    predicted_everywhere: np.ndarray,
    weights: np.ndarray | None = None,
    level: float = 0.95,
) -> ScoreInterval:
    """The mean of labels, helped by predictions of more items (PPI++: Angelopoulos, Duchi & Zrnic 2023).

    labels, predicted: float (n,), of the labelled items; predicted_everywhere: float (n_items,). weights: float (n,),
    such as inverse inclusion probabilities; None for 1. The weight of the predictions is the one with the least
    variance, between 0 and 1; the interval is a normal one, which is too narrow for few labels of a rare class.
    """
    n, n_items = len(labels), len(predicted_everywhere)
    if not n:
        return UNDEFINED
    weight = np.ones(n) if weights is None else weights / weights.mean()
    everywhere = float(predicted_everywhere.mean())
    plain = everywhere + float((weight * (labels - predicted)).mean())
    gradients, guesses = weight * (labels - plain), weight * (predicted - plain)
    covariance = float(((gradients - gradients.mean()) * (guesses - guesses.mean())).mean())
    spread = float(np.concatenate([guesses, predicted_everywhere - plain]).var(ddof=1))
    power = float(np.clip(covariance / ((1 + n / n_items) * spread), 0, 1)) if spread > 0 else 0.0
    rectifier = weight * (labels - power * predicted)
    value = power * everywhere + float(rectifier.mean())
    error = math.sqrt(power**2 * float(predicted_everywhere.var()) / n_items + float(rectifier.var()) / n)
    half = NormalDist().inv_cdf((1 + level) / 2) * error
    return ScoreInterval(value, value - half, value + half)


def rogan_gladen(
    labels: np.ndarray, answers: np.ndarray, share_answered: float, weights: np.ndarray | None = None
) -> float:
    """The share of a class from the share that the model answers, by its sensitivity and specificity.

    labels, answers: bool (n,), of the labelled items; share_answered: of all items. weights: as above. NaN if the
    labels lack one of the two, or the model tells nothing (Rogan & Gladen 1978).
    """
    weight = np.ones(len(labels)) if weights is None else weights
    has, lacks = float(weight[labels].sum()), float(weight[~labels].sum())
    if not has or not lacks:
        return math.nan
    sensitivity = float(weight[labels & answers].sum()) / has
    false_alarms = float(weight[~labels & answers].sum()) / lacks
    if sensitivity <= false_alarms:
        return math.nan
    return float(np.clip((share_answered - false_alarms) / (sensitivity - false_alarms), 0, 1))


def shares_by_expectation_maximisation(probabilities: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Class shares without labels, if only the shares changed (Saerens, Latinne & Decaestecker 2002); (n_classes,).

    probabilities: float (n, n_classes), as calibrated as they were at training; trained: float (n_classes,), the shares
    among the items trained on, above 0.
    """
    shares = np.asarray(trained, dtype=float)
    for _ in range(_MOST_STEPS):
        adjusted = probabilities * (shares / trained)
        adjusted = adjusted / adjusted.sum(axis=1, keepdims=True)
        before, shares = shares, adjusted.mean(axis=0)
        if np.abs(shares - before).max() < _NO_CHANGE:
            break
    return np.asarray(shares)


def shares_by_confusion(confusion: np.ndarray, answered: np.ndarray) -> np.ndarray | None:
    """Class shares without labels, if only the shares changed (BBSE: Lipton, Wang & Smola 2018); (n_classes,).

    confusion: int (n_classes, n_classes), rows are the true classes, of items that the model did not learn from.
    answered: float (n_classes,), the share of each answer among the new items. The shares are those, not below 0, whose
    answers are closest to the given ones. None if a class has no items, or where its answers do not set it apart.
    """
    from scipy.optimize import nnls

    totals = confusion.sum(axis=1)
    if not totals.all():
        return None
    rates = (confusion / totals[:, None]).T
    if np.linalg.cond(rates) > 1e3:
        return None
    shares, _ = nnls(rates, answered)
    return np.asarray(shares / shares.sum()) if shares.sum() > 0 else None
