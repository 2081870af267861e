from __future__ import annotations

import inspect
import json
import math

import keras_tuner
import optuna
import pytest
from optuna.samplers import PartialFixedSampler, RandomSampler, TPESampler
from optuna.trial import FixedTrial

from autotl.errors import ConfigError, PluginError
from autotl.search.hyperparameters import OptunaHyperParameters, defaults, fixed_hyperparameters

# multivariate TPE with groups is what conditional spaces need; Optuna still marks both as experimental.
pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


@pytest.fixture(autouse=True)
def quiet_optuna():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def every_kind(hp):
    """A space with each kind of hyperparameter and each way of sampling it."""
    return {
        "fixed": hp.Fixed("fixed", "constant"),
        "boolean": hp.Boolean("boolean", default=True),
        "choice": hp.Choice("choice", ["a", "b", "c"], default="b"),
        "int": hp.Int("int", 3, 9, default=5),
        "int step": hp.Int("int step", 10, 45, step=10, default=30),
        "int log": hp.Int("int log", 1, 1000, sampling="log", default=10),
        "int log step": hp.Int("int log step", 2, 64, step=2, sampling="log", default=16),
        "int reverse": hp.Int("int reverse", 1, 100, sampling="reverse_log", default=90),
        "float": hp.Float("float", -1.0, 1.0, default=0.25),
        "float step": hp.Float("float step", 0.0, 0.5, step=0.1, default=0.3),
        "float log": hp.Float("float log", 1e-4, 1e2, sampling="log", default=1.0),
        "float log step": hp.Float("float log step", 1e-4, 1.0, step=10, sampling="log", default=1e-3),
        "float reverse": hp.Float("float reverse", 0.1, 0.999, sampling="reverse_log", default=0.9),
        "float reverse step": hp.Float("float reverse step", 1.0, 9.0, step=2, sampling="reverse_log", default=9.0),
    }


def branching(hp):
    """A space with branches that use one name for different ranges."""
    kind = hp.Choice("kind", ["linear", "network"])
    with hp.conditional_scope("kind", ["linear"]):
        linear_rate = hp.Float("rate", 1e-3, 1.0, sampling="log")
    with hp.conditional_scope("kind", ["network"]):
        network_rate = hp.Float("rate", 1e-6, 1e-2, sampling="log", default=1e-4)
        if kind == "network":
            layers = hp.Int("layers", 1, 3)
            for layer in range(layers):
                hp.Int(f"units_{layer}", 16, 256, step=16)
    return linear_rate if kind == "linear" else network_rate


def sampler(seed=0, **options):
    return TPESampler(seed=seed, multivariate=True, group=True, n_startup_trials=5, **options)


def run(space, *, study, n_trials):
    seen = []

    def objective(trial):
        hp = OptunaHyperParameters(trial)
        result = space(hp)
        seen.append((result, hp, dict(trial.params)))
        return sum(value for value in hp.values.values() if isinstance(value, float))

    study.optimize(objective, n_trials=n_trials)
    return seen


def test_keras_tuner_still_ends_every_request_in_the_one_method_we_override():
    """If this fails after an upgrade of keras-tuner, autotl/hyperparameters.py has to be looked at again."""
    register = getattr(keras_tuner.HyperParameters, "_register", None)
    assert register, "keras_tuner.HyperParameters._register is gone: OptunaHyperParameters would never be asked"
    assert list(inspect.signature(register).parameters) == ["self", "hyperparameter", "overwrite"], (
        "the arguments of keras_tuner.HyperParameters._register have changed"
    )
    asked = []

    class Probe(keras_tuner.HyperParameters):
        def _register(self, hyperparameter, overwrite=False):
            asked.append(hyperparameter.name)
            return super()._register(hyperparameter, overwrite)

    every_kind(Probe())
    assert asked == list(every_kind(keras_tuner.HyperParameters())), (
        "keras-tuner answers some hyperparameters without _register: they would not come from Optuna"
    )


def test_every_value_is_of_the_kind_and_in_the_range_that_was_asked_for():
    study = optuna.create_study(sampler=RandomSampler(seed=1))
    seen = [result for result, _, _ in run(every_kind, study=study, n_trials=60)]
    of = {name: {result[name] for result in seen} for name in seen[0]}
    assert of["fixed"] == {"constant"}
    assert of["boolean"] == {True, False}
    assert of["choice"] == {"a", "b", "c"}
    assert of["int"] == {3, 4, 5, 6, 7, 8, 9}
    assert of["int step"] == {10, 20, 30, 40}
    assert of["int log step"] == {2, 4, 8, 16, 32, 64}
    assert of["float reverse step"] == {2.0, 6.0, 8.0, 9.0}
    for name, low, high in [
        ("int log", 1, 1000),
        ("int reverse", 1, 100),
        ("float", -1, 1),
        ("float log", 1e-4, 1e2),
        ("float reverse", 0.1, 0.999),
    ]:
        assert all(low <= value <= high for value in of[name]), name
    assert all(type(value) is int for name in of if name.startswith("int") for value in of[name])
    assert all(type(value) is float for name in of if name.startswith("float") for value in of[name])


def test_steps_reach_the_maximum_and_do_not_drift():
    study = optuna.create_study(sampler=RandomSampler(seed=2))
    seen = [result for result, _, _ in run(every_kind, study=study, n_trials=60)]
    assert {result["float step"] for result in seen} == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5}
    assert {result["float log step"] for result in seen} == {1e-4, 1e-3, 1e-2, 1e-1, 1.0}


def test_reverse_log_prefers_the_upper_end_and_log_the_lower():
    study = optuna.create_study(sampler=RandomSampler(seed=3))
    seen = [result for result, _, _ in run(every_kind, study=study, n_trials=100)]
    assert sum(result["int reverse"] > 50 for result in seen) > 70
    assert sum(result["int log"] < 500 for result in seen) > 70


def test_only_what_is_active_is_asked_and_branches_keep_their_own_ranges():
    study = optuna.create_study(sampler=sampler())
    seen = run(branching, study=study, n_trials=30)
    kinds = set()
    for rate, hp, params in seen:
        kinds.add(hp["kind"])
        if hp["kind"] == "linear":
            assert set(params) == {"kind", "kind=linear/rate"}
            assert 1e-3 <= rate <= 1.0
        else:
            assert 1e-6 <= rate <= 1e-2
            assert sum("units" in name for name in params) == hp["layers"]
    assert kinds == {"linear", "network"}


def test_two_plugins_may_use_one_parameter_name_with_different_ranges():
    def space(hp):
        head = hp.Choice("head", ["svm", "forest"])
        result = {}
        for name, low, high in [("svm", 0.0, 1.0), ("forest", 10.0, 20.0)]:
            with hp.conditional_scope("head", [name]), hp.name_scope(f"plugin/{name}"):
                result[name] = hp.Float("C", low, high)
                with hp.name_scope("inner"):
                    shape = hp.Choice("shape", ["flat", "deep"])
                with hp.conditional_scope("inner/shape", ["deep"]):
                    hp.Int("depth", 1, int(high) + 1)
        assert shape in ("flat", "deep", None)
        return result[head]

    study = optuna.create_study(sampler=sampler())
    seen = run(space, study=study, n_trials=25)
    for value, hp, params in seen:
        name = hp["head"]
        assert hp.get(f"plugin/{name}/C") == value
        assert params[f"head={name}/plugin/{name}/C"] == value
        assert (value >= 10) == (name == "forest")
        deep = hp[f"plugin/{name}/inner/shape"] == "deep"
        assert deep == (f"head={name}/plugin/{name}/inner/shape=deep/plugin/{name}/depth" in params)


def test_a_study_on_disk_is_carried_on_and_the_same_seed_gives_the_same_trials(tmp_path):
    def study(name):
        storage = f"sqlite:///{tmp_path / name}.db"
        return optuna.create_study(storage=storage, study_name="s", sampler=sampler(7), load_if_exists=True)

    run(branching, study=study("a"), n_trials=8)
    run(branching, study=study("b"), n_trials=8)
    assert [t.params for t in study("a").trials] == [t.params for t in study("b").trials]
    run(branching, study=study("a"), n_trials=4)
    assert [t.state.name for t in study("a").trials] == 12 * ["COMPLETE"]


def test_a_finished_trial_gives_the_same_answers_again():
    study = optuna.create_study(sampler=sampler())
    for space in (every_kind, branching):
        study = optuna.create_study(sampler=sampler())
        run(space, study=study, n_trials=3)
        for trial in study.trials:
            from_frozen, from_fixed = OptunaHyperParameters(trial), OptunaHyperParameters(FixedTrial(trial.params))
            assert space(from_frozen) == space(from_fixed)
            assert from_frozen.optuna_params == trial.params


def test_recorded_values_are_replayed_exactly_by_plain_hyperparameters():
    for space in (every_kind, branching):
        study = optuna.create_study(sampler=sampler(5))
        for result, hp, _ in run(space, study=study, n_trials=10):
            again = fixed_hyperparameters(json.loads(json.dumps(hp.values)))
            assert type(again) is keras_tuner.HyperParameters
            assert space(again) == result
            assert again.values == hp.values


def test_the_enqueued_defaults_give_the_defaults_of_keras_tuner():
    for space in (every_kind, branching):
        study = optuna.create_study(sampler=sampler())
        study.enqueue_trial(defaults(space))
        [(result, hp, _)] = run(space, study=study, n_trials=1)
        plain = keras_tuner.HyperParameters()
        assert result == space(plain)
        assert hp.values == plain.values


def test_values_may_take_the_place_of_defaults():
    params = defaults(branching, values={"kind": "network", "layers": 2, "units_1": 250})
    study = optuna.create_study(sampler=sampler())
    study.enqueue_trial(params)
    [(rate, hp, _)] = run(branching, study=study, n_trials=1)
    # 250 is between two steps of 16.
    assert hp.values == {"kind": "network", "rate": 1e-4, "layers": 2, "units_0": 16, "units_1": 256}
    assert rate == 1e-4


def test_a_value_for_a_parameter_that_is_not_there_is_an_error():
    with pytest.raises(ConfigError, match="has no parameter 'layers' here; it has kind, rate"):
        defaults(branching, values={"kind": "linear", "layers": 2})


def test_fixed_values_are_used_without_asking_optuna():
    hp = OptunaHyperParameters(
        FixedTrial({"kind=network/rate": 1e-3, "kind=network/layers": 1}), fixed={"kind": "network", "units_0": 32}
    )
    assert branching(hp) == 1e-3
    assert hp["units_0"] == 32
    assert set(hp.optuna_params) == {"kind=network/rate", "kind=network/layers"}
    assert "kind" not in defaults(branching, fixed={"kind": "linear"})


@pytest.mark.parametrize(
    ("fixed", "expected"),
    [
        ({"choice": "d"}, "'choice' is 'd'; expected one of a, b, c"),
        ({"int": 10}, "'int' is 10; expected a number from 3 to 9"),
        ({"float": math.nan}, "'float' is nan; expected a number from -1.0 to 1.0"),
        ({"boolean": "yes"}, "'boolean' is 'yes'; expected one of False, True"),
        ({"fixed": 1}, "'fixed' is 1; expected one of constant"),
    ],
)
def test_a_fixed_value_outside_the_space_is_an_error_that_says_what_is_inside(fixed, expected):
    with pytest.raises(ConfigError, match=expected):
        every_kind(OptunaHyperParameters(FixedTrial(defaults(every_kind)), fixed=fixed))


def test_a_partly_fixed_sampler_holds_its_parameters():
    study = optuna.create_study(sampler=PartialFixedSampler({"kind": "linear"}, sampler()))
    assert {hp["kind"] for _, hp, _ in run(branching, study=study, n_trials=10)} == {"linear"}


def test_a_partly_enqueued_trial_is_completed_by_the_sampler():
    study = optuna.create_study(sampler=sampler())
    study.enqueue_trial({"kind": "network", "kind=network/layers": 3})
    [(_, hp, params)] = run(branching, study=study, n_trials=1)
    assert (hp["kind"], hp["layers"]) == ("network", 3)
    assert len(params) == 6


def test_an_existing_keras_tuner_model_takes_part_unchanged():
    class Model(keras_tuner.HyperModel):
        def build(self, hp):
            units = hp.Int("units", 8, 64, step=8)
            rate = hp.Float("dropout", 0.0, 0.5, parent_name="units", parent_values=[8, 16])
            return units, rate, hp.copy().values

    study = optuna.create_study(sampler=sampler())
    for (units, rate, copied), hp, _ in run(Model().build, study=study, n_trials=15):
        assert (rate is None) == (units > 16)
        assert copied == hp.values


def test_a_kind_of_hyperparameter_that_we_do_not_know_is_an_error():
    class Strange(keras_tuner.engine.hyperparameters.HyperParameter):
        pass

    with pytest.raises(PluginError, match="'odd' is a Strange, which AutoTL cannot search"):
        OptunaHyperParameters(None)._register(Strange("odd"))
