"""Early rejection: whether a probe that has predicted some folds can still be worth the others."""

from __future__ import annotations

import warnings

import numpy as np

from autotl.predictions import Predictions, apply_temperature, fit_temperature

MIN_ITEMS = 30
"""With fewer items a rank test has nothing to go by."""
LEVEL = 0.02


def is_hopeless(so_far: Predictions, best: Predictions) -> bool:
    """Whether the log loss of a trial is worse than the best trial's on the same items, beyond doubt.

    A one-sided Wilcoxon signed-rank test (Wilcoxon 1945) of the items' log losses, each trial calibrated by a
    temperature of its own: whatever the objective is, it cannot be better where the probabilities are worse throughout.
    """
    from scipy.stats import wilcoxon

    if len(so_far.items) < MIN_ITEMS:
        return False
    difference = _losses(so_far) - _losses(best.restrict(so_far.items))
    if difference.mean() <= 0 or not difference.any():
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ties, of which small differences have many
        return float(wilcoxon(difference, alternative="greater").pvalue) < LEVEL


def _losses(predictions: Predictions) -> np.ndarray:
    temperature = fit_temperature(predictions.labels, predictions.probabilities)
    probabilities = apply_temperature(predictions.probabilities, temperature)
    return np.asarray(-np.log(np.clip(probabilities[np.arange(len(predictions.labels)), predictions.labels], 1e-7, 1)))
