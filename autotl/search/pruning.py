"""Pruning: whether a trial, by its folds or its first cycle of epochs, can still be worth the rest of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import optuna

from autotl.predictions import Predictions, item_losses
from autotl.search.objective import Objective
from autotl.training.calibration import sharpened

MIN_ITEMS = 30
"""With fewer items a rank test has nothing to go by."""
LEVEL = 0.02
NEGLIGIBLE = 0.02
"""A log loss that is higher by this share of it may be due to how the temperature was found."""
DOUBTFUL = 0.2
"""The level at which a network is worse and is not measured on further folds: it would have to be better to matter."""
KEPT_SHARE = 1 / 3
"""Share of the fine-tune trials that go on after a first cycle, and after a first fold."""
FIRST_CYCLE_STEP, FIRST_FOLD_STEP = 1, 2
"""The steps at which a fine-tune trial reports to the study: its first cycle, its first fold, and so on."""


class Reporter(Protocol):
    """What is told how a trial does meanwhile: an `optuna.Trial`, or what stands for one in another process."""

    def report(self, value: float, step: int) -> None:
        """Keep the objective's value at a step."""


@dataclass(frozen=True)
class Rival:
    """The best trial so far: its number, and its predictions of the items that the other one predicts."""

    number: int
    predictions: Predictions


def prune_probe(
    reporter: Reporter, rival: Rival | None, objective: Objective, *, n_folds: int
) -> Callable[[int, Predictions], None]:
    """A callback after each fold, which ends a probe that is worse on the folds so far, in log loss and objective."""

    def after_fold(fold: int, so_far: Predictions) -> None:
        if rival is None or fold == n_folds - 1:
            return
        there = rival.predictions.restrict(so_far.items)
        value, other = objective.value(so_far), objective.value(there)
        # What a pruned trial reached is all that the sampler can learn from it.
        reporter.report(value, fold)
        if objective.sign * (value - other) < 0 and is_clearly_worse(so_far, there):
            raise optuna.TrialPruned(
                f"at {value:.3f} after {fold + 1} of {n_folds} folds, clearly worse than trial {rival.number}'s "
                f"{other:.3f}"
            )

    return after_fold


@dataclass(frozen=True)
class Judge:
    """What a fine-tune trial is told of its predictions, either of which may raise to prune it.

    after_cycle(predictions of the first fold after the first cycle). after_fold(fold, predictions of all folds so far)
    returns why no further fold is worth it, empty where one is.
    """

    after_cycle: Callable[[Predictions], None] = lambda _found: None
    after_fold: Callable[[int, Predictions], str] = lambda _fold, _so_far: ""


@dataclass(frozen=True)
class Earlier:
    """How earlier fine-tune trials did.

    first_cycles, first_folds: values of the objective after these; best: what the one that became the best predicted
    after its first cycle, None before there is one.
    """

    first_cycles: Sequence[float] = ()
    first_folds: Sequence[float] = ()
    best: Rival | None = None


def judge_fine_tune(
    reporter: Reporter, rivals: Sequence[Rival], earlier: Earlier, objective: Objective, *, may_prune: bool
) -> Judge:
    """Compare a fine-tune trial with others on the same items (successive halving).

    rivals: the best of each strategy. It is pruned after its first cycle unless it is among the best third there, or
    not clearly worse than the best one was. It is not measured on more folds where it is not among the best third after
    the first, or is worse than a rival on the folds so far; may_prune: whether it is pruned at all.
    """

    def after_cycle(found: Predictions) -> None:
        value = objective.value(found)
        reporter.report(value, FIRST_CYCLE_STEP)
        better, best = _better(value, earlier.first_cycles, objective), earlier.best
        if may_prune and better and best and is_clearly_worse(found, best.predictions):
            raise optuna.TrialPruned(
                f"at {value:.3f} after the first cycle of its epochs, where {better} of {len(earlier.first_cycles)} "
                f"others were better, and clearly worse than trial {best.number} was"
            )

    def after_fold(fold: int, so_far: Predictions) -> str:
        value, why = objective.value(so_far), ""
        reporter.report(value, FIRST_FOLD_STEP + fold)
        for rival in rivals:
            if is_clearly_worse(so_far, rival.predictions, level=DOUBTFUL):
                why = f"worse than trial {rival.number} on the same images"
        if not why and fold == 0 and (better := _better(value, earlier.first_folds, objective)):
            why = f"and {better} of {len(earlier.first_folds)} others were better there"
        if why and may_prune:
            raise optuna.TrialPruned(f"at {value:.3f} after {_folds(fold)}, {why}")
        return why and f"after {_folds(fold)} it was at {value:.3f}, {why}"

    return Judge(after_cycle, after_fold)


def _better(value: float, others: Sequence[float], objective: Objective) -> int:
    """How many of the others were better; 0 where it is among the best third of them all."""
    better = sum(objective.sign * (other - value) > 0 for other in others)
    return better if better >= math.ceil(KEPT_SHARE * (len(others) + 1)) else 0


def _folds(fold: int) -> str:
    return "the first fold" if fold == 0 else f"{fold + 1} folds"


def is_clearly_worse(so_far: Predictions, best: Predictions, *, level: float = LEVEL) -> bool:
    """Whether the log loss of a trial is worse than the best trial's on the items of both, beyond doubt.

    A one-sided Wilcoxon signed-rank test (Wilcoxon 1945) of the items' log losses, each trial calibrated by a
    temperature of its own: no objective can be better where the probabilities are worse throughout.
    Their mean has to be worse as well, by a paired t test: a single error more makes the temperature, and with it every
    other item's loss, a little higher, which to the ranks looks like a hundred items that are worse.
    """
    from scipy.stats import ttest_1samp, wilcoxon

    items = so_far.items[np.isin(so_far.items, best.items)]
    if len(items) < MIN_ITEMS:
        return False
    so_far, best = so_far.restrict(items), best.restrict(items)
    losses = _losses(best)
    difference = _losses(so_far) - losses
    if difference.mean() <= NEGLIGIBLE * losses.mean():
        return False
    # One constant difference, which has no variance to test, is left to the ranks.
    if np.ptp(difference) > 1e-9 and ttest_1samp(difference, 0, alternative="greater").pvalue >= level:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ties, of which small differences have many
        return float(wilcoxon(difference, alternative="greater").pvalue) < level


def _losses(predictions: Predictions) -> np.ndarray:
    return item_losses(predictions.labels, sharpened(predictions.labels, predictions.probabilities)[0])
