"""A trial is pruned only where it is worse beyond doubt."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import optuna
import pytest

from autotl.interfaces import Evaluator
from autotl.predictions import Predictions
from autotl.search import pruning
from autotl.search.objective import Objective
from autotl.search.pruning import (
    MIN_ITEMS,
    Earlier,
    Rival,
    is_clearly_worse,
    judge_fine_tune,
    prune_probe,
)


def predictions(n=100, sure=0.9, right=1.0, seed=0):
    """Of two classes, always as sure, right in a share of the items."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    answers = np.where(rng.random(n) < right, labels, 1 - labels)
    probabilities = np.full((n, 2), 1 - sure)
    probabilities[np.arange(n), answers] = sure
    noise = rng.uniform(0.95, 1.05, (n, 2))
    probabilities = probabilities * noise
    return Predictions(np.arange(n), labels, probabilities / probabilities.sum(axis=1, keepdims=True))


def same_items(other, probabilities):
    return Predictions(other.items, other.labels, probabilities)


BEST = predictions(right=0.95)


def test_chance_is_clearly_worse_than_a_good_probe_and_the_good_one_is_not():
    chance = same_items(BEST, np.full((100, 2), 0.5))
    assert is_clearly_worse(chance, BEST)
    assert not is_clearly_worse(BEST, chance)


def test_a_probe_is_not_worse_than_itself():
    assert not is_clearly_worse(BEST, BEST)


@pytest.mark.parametrize("exponent", [0.1, 0.3, 3.0])
def test_being_too_sure_or_too_timid_is_not_held_against_it(exponent):
    scaled = BEST.probabilities**exponent
    assert not is_clearly_worse(same_items(BEST, scaled / scaled.sum(axis=1, keepdims=True)), BEST)


@pytest.mark.parametrize(("n_more_errors", "worse"), [(1, False), (2, False), (12, True)])
def test_an_error_more_is_not_clearly_worse_though_it_makes_the_calibrated_rest_less_sure(n_more_errors, worse):
    right = np.flatnonzero(BEST.probabilities.argmax(axis=1) == BEST.labels)[:n_more_errors]
    probabilities = BEST.probabilities.copy()
    probabilities[right] = probabilities[right, ::-1]
    assert is_clearly_worse(same_items(BEST, probabilities), BEST) == worse


def test_too_few_items_say_nothing():
    few = np.arange(MIN_ITEMS - 1)
    assert not is_clearly_worse(same_items(BEST, np.full((100, 2), 0.5)).restrict(few), BEST)
    assert is_clearly_worse(same_items(BEST, np.full((100, 2), 0.5)).restrict(np.arange(MIN_ITEMS)), BEST)


def test_only_the_items_so_far_are_compared_in_whatever_order():
    half = np.random.default_rng(1).permutation(100)[:50]
    terrible_elsewhere = BEST.probabilities.copy()
    rest = np.setdiff1d(np.arange(100), half)
    terrible_elsewhere[rest] = terrible_elsewhere[rest, ::-1]
    assert not is_clearly_worse(same_items(BEST, terrible_elsewhere).restrict(half), BEST)


CHANCE = predictions(sure=0.5, right=0.5)


def judge(plugins, *rivals, earlier=Earlier(), may_prune=True, reported=None):  # noqa: B008
    told = {} if reported is None else reported
    trial = SimpleNamespace(report=lambda value, step: told.update({step: value}))
    objective = Objective(plugins.all(Evaluator)["accuracy"], run=None)
    return judge_fine_tune(trial, rivals, earlier, objective, may_prune=may_prune)


@pytest.mark.parametrize(
    ("values", "best", "ends"),
    [
        ([], None, False),
        ([0.9, 0.8], None, False),  # no network has completed that it could be compared with
        ([0.9, 0.8], BEST, True),
        ([0.9, 0.3, 0.2, 0.1, 0.2], BEST, False),  # among the best third
        ([0.9, 0.8], CHANCE, False),  # not worse than what became the best
    ],
)
def test_a_fine_tune_trial_ends_after_its_first_cycle_where_it_is_worse_and_not_among_the_best(
    plugins, values, best, ends
):
    told, earlier = {}, Earlier(first_cycles=values, best=best and Rival(7, best))
    after_cycle = judge(plugins, earlier=earlier, reported=told).after_cycle
    if ends:
        with pytest.raises(optuna.TrialPruned, match="first cycle of its epochs, where 2 of 2 others were better"):
            after_cycle(CHANCE)
    else:
        after_cycle(CHANCE)
    assert list(told) == [1]


def test_a_network_worse_than_the_best_network_or_probe_is_measured_on_no_further_fold(plugins):
    told = {}
    with pytest.raises(optuna.TrialPruned, match="after the first fold, worse than trial 7 on the same images"):
        judge(plugins, Rival(7, BEST), reported=told).after_fold(0, CHANCE)
    assert list(told) == [2]
    kept = judge(plugins, Rival(8, BEST), Rival(7, BEST), may_prune=False)
    assert kept.after_fold(1, CHANCE).endswith("worse than trial 7 on the same images")
    assert kept.after_fold(0, BEST) == ""


def test_only_the_best_third_of_the_networks_are_measured_on_further_folds(plugins):
    def why(*values):
        return judge(plugins, earlier=Earlier(first_folds=values), may_prune=False).after_fold(0, BEST)

    assert why() == why(0.5) == why(0.99, 0.5, 0.5) == ""
    assert why(0.99).endswith("and 1 of 1 others were better there")
    assert why(0.99, 0.98, 0.5).endswith("and 2 of 3 others were better there")
    assert judge(plugins, earlier=Earlier(first_folds=(0.99,)), may_prune=False).after_fold(1, BEST) == ""


def test_networks_are_compared_on_the_items_that_both_predict(plugins):
    with pytest.raises(optuna.TrialPruned):
        judge(plugins, Rival(7, BEST.restrict(np.arange(40)))).after_fold(1, CHANCE)


def test_a_probe_with_a_better_objective_is_not_pruned_for_its_log_loss(plugins, monkeypatch):
    monkeypatch.setattr(pruning, "is_clearly_worse", lambda *a: True)
    reported = []
    trial = SimpleNamespace(report=lambda value, fold: reported.append(fold))
    objective = Objective(plugins.all(Evaluator)["accuracy"], run=None)
    after_fold = prune_probe(trial, Rival(1, BEST), objective, n_folds=5)
    perfect = replace(BEST, probabilities=0.4 * np.eye(2)[BEST.labels] + 0.3)
    wrong = replace(BEST, probabilities=perfect.probabilities[:, [1, 0]])
    after_fold(0, perfect)
    with pytest.raises(optuna.TrialPruned, match="clearly worse"):
        after_fold(0, wrong)
    after_fold(4, wrong)  # it has ended: it may stay
    assert reported == [0, 0]  # what the sampler learns from, of a pruned trial too
