"""Pruning: whether a trial, by its folds or its epochs so far, can still be worth the rest of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import optuna

from autotl.predictions import Predictions, log_losses
from autotl.search.objective import Objective
from autotl.training.calibration import apply_temperature, fit_temperature

MIN_ITEMS = 30
"""With fewer items a rank test has nothing to go by."""
LEVEL = 0.02
NEGLIGIBLE = 0.02
"""A log loss that is higher by this share of it may be due to how the temperature was found."""
PRUNE_FROM = 0.7
"""No fine-tune trial is pruned before this share of its epochs: the high learning rate before costs any of them."""


@dataclass(frozen=True)
class Rival:
    """The best trial so far: its number, and its predictions of the items that the other one predicts."""

    number: int
    predictions: Predictions


def prune_probe(
    trial: optuna.Trial, rival: Rival | None, objective: Objective, *, n_folds: int
) -> Callable[[int, Predictions], None]:
    """A callback after each fold, which ends a probe that is worse on the folds so far, in log loss and objective."""

    def after_fold(fold: int, so_far: Predictions) -> None:
        if rival is None or fold == n_folds - 1:
            return
        there = rival.predictions.restrict(so_far.items)
        value, other = objective.value(so_far), objective.value(there)
        # What a pruned trial reached is all that the sampler can learn from it.
        trial.report(value, fold)
        if objective.sign * (value - other) < 0 and is_clearly_worse(so_far, there):
            raise optuna.TrialPruned(
                f"at {value:.3f} after {fold + 1} of {n_folds} folds, clearly worse than trial {rival.number}'s "
                f"{other:.3f}"
            )

    return after_fold


def prune_fine_tune(
    trial: optuna.Trial, rival: Rival | None, objective: Objective, *, n_epochs: int
) -> Callable[[int, Predictions], None]:
    """A callback after each epoch, which ends a trial that is, late in its epochs, still clearly worse."""

    def after_epoch(epoch: int, found: Predictions) -> None:
        value = objective.value(found)
        trial.report(value, epoch)
        if rival and PRUNE_FROM * n_epochs <= epoch < n_epochs and is_clearly_worse(found, rival.predictions):
            raise optuna.TrialPruned(
                f"at {value:.3f} after {epoch} of {n_epochs} epochs, clearly worse than trial {rival.number}"
            )

    return after_epoch


def is_clearly_worse(so_far: Predictions, best: Predictions) -> bool:
    """Whether the log loss of a trial is worse than the best trial's on the same items, beyond doubt.

    A one-sided Wilcoxon signed-rank test (Wilcoxon 1945) of the items' log losses, each trial calibrated by a
    temperature of its own: no objective can be better where the probabilities are worse throughout.
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
    return log_losses(predictions.labels, apply_temperature(predictions.probabilities, temperature))
