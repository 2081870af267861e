"""Early rejection: whether a trial that is not done, by its folds or its epochs so far, can still be worth the rest."""

from __future__ import annotations

import warnings

import numpy as np

from autotl.predictions import Predictions
from autotl.training.calibration import apply_temperature, fit_temperature

MIN_ITEMS = 30
"""With fewer items a rank test has nothing to go by."""
LEVEL = 0.02
NEGLIGIBLE = 0.02
"""A log loss that is higher by this share of it may be due to how the temperature was found."""


def is_clearly_worse(so_far: Predictions, best: Predictions) -> bool:
    """Whether the log loss of a trial is worse than the best trial's on the same items, beyond doubt.

    A one-sided Wilcoxon signed-rank test (Wilcoxon 1945) of the items' log losses, each trial calibrated by a
    temperature of its own: whatever the objective is, it cannot be better where the probabilities are worse throughout.
    Their mean has to be worse as well, by a paired t test: a single error more makes the temperature, and with it every
    other item's loss, a little higher, which to the ranks looks like a hundred items that are worse.
    """
    from scipy.stats import ttest_1samp, wilcoxon

    if len(so_far.items) < MIN_ITEMS:
        return False
    losses = _losses(best.restrict(so_far.items))
    difference = _losses(so_far) - losses
    if difference.mean() <= NEGLIGIBLE * losses.mean():
        return False
    # One constant difference, which has no variance to test, is left to the ranks.
    if np.ptp(difference) > 1e-9 and ttest_1samp(difference, 0, alternative="greater").pvalue >= LEVEL:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ties, of which small differences have many
        return float(wilcoxon(difference, alternative="greater").pvalue) < LEVEL


def _losses(predictions: Predictions) -> np.ndarray:
    temperature = fit_temperature(predictions.labels, predictions.probabilities)
    probabilities = apply_temperature(predictions.probabilities, temperature)
    return np.asarray(-np.log(np.clip(probabilities[np.arange(len(predictions.labels)), predictions.labels], 1e-7, 1)))
