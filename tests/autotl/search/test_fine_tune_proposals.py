"""Trials are proposed by the study's sampler, from what probes and networks have shown, and only where they fit."""

from __future__ import annotations

import keras
import optuna
import pytest
from planning import network

from autotl.interfaces import Head
from autotl.search.fine_tune_proposals import MAX_PROPOSALS, comparable, propose
from autotl.search.heads import declare
from autotl.search.hyperparameters import OptunaHyperParameters
from autotl.search.space import Space
from autotl.trial import FINE_TUNE, PROBE
from autotl_plugins.samplers.optuna_samplers import build_tpe


def build(hp, n_features, n_classes):
    hp.Int("units", 32, 512, sampling="log")
    return keras.Sequential()


HEADS = {"dense": Head("dense", build), "linear": Head("linear", lambda *given: None)}
SPACE = Space({"net": network("net")}, HEADS, HEADS["linear"], ("dense", "linear"))


def study_of(*values, worth=lambda candidate: 0.0):
    """A study of a trial of each (strategy, value), at random; worth(candidate) is added to the value."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    for strategy, value in values:
        study.enqueue_trial({"strategy": strategy})
        trial = study.ask()
        found = SPACE.sample_with_head(OptunaHyperParameters(trial))
        study.tell(trial, value + worth(found))
    return study


def proposed(study, seed=0, accepts=lambda candidate: True, fixed=None):
    return propose(
        study, sampler=lambda: build_tpe(seed), space=SPACE, fixed={"strategy": FINE_TUNE, **(fixed or {})},
        accepts=accepts, declare=declare,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_every_choice_of_fine_tuning_is_sampled_over_its_whole_range():
    study = study_of((PROBE, 0.5))
    found = [proposed(study, seed) for seed in range(40)]
    own = f"strategy={FINE_TUNE}"
    rates = [params[f"{own}/learning_rate"] for params in found]
    assert min(rates) < 1e-4
    assert max(rates) > 1e-3
    assert {params[f"{own}/trainable_stages"] for params in found} == {1, 2, 3, 4, 5, 6}
    assert {params["backbone=net/size"] for params in found} == {"32x32", "64x64"}
    heads = {params[f"{own}/head"] for params in found}
    assert heads == {"dense", "linear"}
    assert len({params[k] for params in found for k in params if k.endswith("units")}) > 5
    for choice in ("augment", "dropout", "label_smoothing", "weight_decay"):
        assert len({params[f"{own}/{choice}"] for params in found}) > 1


def test_the_same_seed_proposes_the_same_and_a_trial_of_it_can_be_queued():
    study = study_of((PROBE, 0.5), (FINE_TUNE, 0.6))
    first = proposed(study)
    assert first == proposed(study)
    study.enqueue_trial(dict(first))
    trial = study.ask()
    SPACE.sample_with_head(OptunaHyperParameters(trial))
    assert trial.params == first


def test_what_cannot_be_afforded_is_drawn_again_and_nothing_is_proposed_where_all_is_refused():
    study, asked = study_of((PROBE, 0.5)), []
    found = proposed(study, accepts=lambda c: c.training.trainable_stages == 2)
    assert found[f"strategy={FINE_TUNE}/trainable_stages"] == 2
    assert proposed(study, accepts=lambda c: asked.append(c)) is None
    assert len(asked) == MAX_PROPOSALS
    assert len(study.trials) == 1


def test_values_are_compared_within_a_strategy():
    study = study_of((PROBE, 0.9), (PROBE, 0.8), (FINE_TUNE, 0.2), (FINE_TUNE, 0.1))
    assert sorted(trial.value for trial in comparable(study).trials) == [0.0, 0.0, 0.5, 0.5]


def test_what_probes_have_shown_of_a_reading_and_networks_of_their_training_is_learned():
    """All networks are worse than all probes."""
    good = study_of(
        *[(PROBE, 0.5)] * 60, *[(FINE_TUNE, 0.0)] * 40,
        worth=lambda c: 0.3 * (c.reading.pooling == "max") + 0.1 * bool(c.training and c.training.learning_rate > 1e-3),
    )  # fmt: skip
    found = [proposed(good, seed) for seed in range(40)]
    assert sum(params["pooling"] == "max" for params in found) > 20  # a third of random ones
    fast = sum(params[f"strategy={FINE_TUNE}/learning_rate"] > 1e-3 for params in found)
    assert fast > 14  # a fifth of random ones
