"""Optuna's own samplers as plugins."""

from __future__ import annotations

import optuna
import pytest

from autotl.testing.samplers import check_sampler
from autotl_plugins.samplers import optuna_samplers as plugin

SAMPLERS = {sampler.name: sampler for sampler in plugin.register_samplers()}


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_samplers_conform(name):
    check_sampler(SAMPLERS[name])


def branching(trial):
    """Two heads with parameters of their own; the best is head b at 0.3."""
    if trial.suggest_categorical("head", ["a", "b"]) == "a":
        return 1 + abs(trial.suggest_float("a/C", 0, 1) - 0.5)
    return abs(trial.suggest_float("b/C", 0, 1) - 0.3)


def spread(name, seed):
    study = optuna.create_study(sampler=SAMPLERS[name].build(seed))
    study.optimize(branching, n_trials=50)
    return study.best_value, sum(trial.params["head"] == "b" for trial in study.trials[10:])


def test_tpe_learns_on_a_branching_space_where_random_draws_do_not():
    tpe = [spread("tpe", seed) for seed in range(3)]
    random = [spread("random", seed) for seed in range(3)]
    assert all(best < 0.05 for best, _ in tpe)
    assert min(n for _, n in tpe) > max(n for _, n in random)


def test_building_a_sampler_warns_of_nothing(recwarn):
    for sampler in SAMPLERS.values():
        sampler.build(0)
    assert not recwarn.list
