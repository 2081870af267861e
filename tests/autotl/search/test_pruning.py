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
from autotl.search.pruning import MIN_ITEMS, Rival, is_clearly_worse, prune_probe


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
