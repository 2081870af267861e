"""Other estimates of the same shares: as a cross-check with labels, and as the only estimates without them."""

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
    """The mean of the labels, with prediction-powered inference (PPI++: Angelopoulos, Duchi & Zrnic 2023).

    labels, predicted: float (n,), of the labelled items; predicted_everywhere: float (n_items,), of all items. weights:
    float (n,), such as inverse inclusion probabilities; None for equal weights. The tuning parameter between 0 and 1
    minimises the variance. The interval is a normal approximation, too narrow for few labels of a rare class.
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
    """The share of a class, from the share predicted by the model and its sensitivity and specificity.

    labels, answers: bool (n,), whether each labelled item is of the class, and is predicted as it. share_answered:
    share of all items predicted as it. weights: as above. NaN if the labels are all true or all false, or if the model
    is no better than chance (Rogan & Gladen 1978).
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
    """Class shares without labels, by EM under label shift (Saerens, Latinne & Decaestecker 2002); float (n_classes,).

    probabilities: float (n, n_classes), assumed to be calibrated for the training shares. trained: float (n_classes,),
    the class shares of the training set, above 0.
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
    """Class shares without labels, under label shift (BBSE: Lipton, Wang & Smola 2018); float (n_classes,).

    confusion: int (n_classes, n_classes), the confusion matrix on held-out items; rows are the true classes. answered:
    float (n_classes,), the share of each answer among the new items. The result is the non-negative least-squares
    solution, scaled to sum to 1. None if a class has no items, or if the confusion matrix is nearly singular.
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
