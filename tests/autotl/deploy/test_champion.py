"""The champion's one graph computes what the training side computes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from autotl.deploy.champion import fit_champion
from autotl.features.frozen_network import open_session
from autotl.images.decoder import decode
from autotl.interfaces import ScoreInterval, TrialRecord
from autotl.predictions import Predictions
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.laboratory import CALIBRATION_FILE, N_REPLAY
from autotl.search.outcome import record
from autotl.training import fine_tuning
from autotl.training.calibration import apply_temperature
from autotl.trial import ENSEMBLE, FINE_TUNE, PROBE, Candidate, Training, candidate_of

TOLERANCE = 1e-4


@pytest.fixture
def attempt(laboratory, monkeypatch):
    """attempt(head="dense", stage="top"): runs a trial and gives its record."""
    monkeypatch.setattr(fine_tuning, "MAX_EPOCHS", 2)

    def attempt(head="logistic", stage="joined", pooling="avg+max", strategy=PROBE, number=0):
        training = Training(1, 1e-3, 1e-4, augment=False) if strategy == FINE_TUNE else None
        candidate = Candidate(strategy, "tiny", (32, 32), stage, pooling, head, training)
        folder = laboratory.run.trial_folder(number)
        folder.mkdir(parents=True)
        if training:
            outcome = laboratory.fine_tune(candidate, fixed_hyperparameters({}), lambda epoch, value: None, folder)
        else:
            outcome = laboratory.probe(candidate, fixed_hyperparameters({}), lambda fold, value: None)
        outcome.predictions.save(folder / "predictions.npz")
        if outcome.calibration:
            outcome.calibration.save(folder / CALIBRATION_FILE)
        return record(number, outcome, laboratory.score(outcome.predictions), started=0.0)

    return attempt


def graph_says(laboratory, graph, items):
    onnx.checker.check_model(graph)
    pixels = np.stack([decode(laboratory.run.dataset.path(int(i)), 32, 32) for i in items])
    session = open_session(graph.SerializeToString())
    assert [i.name for i in session.get_inputs()] == ["images"]
    assert [o.name for o in session.get_outputs()] == ["probabilities"]
    return session.run(None, {"images": pixels})[0]


@pytest.mark.parametrize(
    ("head", "stage", "pooling"),
    [
        ("logistic", "joined", "avg+max"),
        ("logistic", "top", "avg"),
        ("logistic", "top-1", "avg+max"),
        ("linear-svm", "joined", "avg+max"),
        ("linear-svm", "top", "max"),
        ("rbf-svm", "joined", "max"),
        ("knn", "joined", "avg"),
        ("random-forest", "top", "max"),
        ("dense", "joined", "avg+max"),
    ],
)
def test_a_probes_graph_says_what_the_refitted_head_says(laboratory, attempt, head, stage, pooling):
    champion = fit_champion(laboratory, attempt(head, stage, pooling))
    test = champion.test()
    assert test.items.tolist() == laboratory.run.split.test.tolist()
    assert graph_says(laboratory, champion.graph, test.items) == pytest.approx(test.probabilities, abs=TOLERANCE)
    found = graph_says(laboratory, champion.graph, champion.replay_items)
    assert found == pytest.approx(champion.replay_probabilities, abs=TOLERANCE)


def test_a_probe_is_refitted_on_everything_but_the_test_split(laboratory, attempt, monkeypatch):
    trial = attempt()
    seen = []
    make = laboratory.head

    def watched(*arguments):
        classifier = make(*arguments)
        fit = classifier.fit
        classifier.fit = lambda vectors, labels: (seen.append(vectors), fit(vectors, labels))
        return classifier

    monkeypatch.setattr(laboratory, "head", watched)
    champion = fit_champion(laboratory, trial)
    inputs = laboratory.inputs(candidate_of(trial))
    [fitted] = seen
    assert np.array_equal(fitted, inputs.vectors[laboratory.run.split.development])
    assert len(champion.test().items) == len(laboratory.run.split.test)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 3.0, 20.0])
def test_the_temperature_is_in_the_graph(laboratory, attempt, temperature):
    trial = attempt()
    plain = fit_champion(laboratory, replace(trial, temperature=1.0))
    scaled = fit_champion(laboratory, replace(trial, temperature=temperature))
    items = scaled.replay_items
    expected = apply_temperature(graph_says(laboratory, plain.graph, items), temperature)
    assert graph_says(laboratory, scaled.graph, items) == pytest.approx(expected, abs=1e-3)
    assert graph_says(laboratory, scaled.graph, items) == pytest.approx(scaled.replay_probabilities, abs=1e-3)


def test_a_fine_tuned_champion_keeps_its_trials_weights_and_predicts_with_its_graph(laboratory, attempt):
    trial = attempt("dense", "top", "avg", FINE_TUNE, number=2)
    champion = fit_champion(laboratory, trial)
    found = graph_says(laboratory, champion.graph, champion.replay_items)
    assert found == pytest.approx(champion.replay_probabilities, abs=TOLERANCE)
    test = champion.test()
    assert test.items.tolist() == laboratory.run.split.test.tolist()
    assert graph_says(laboratory, champion.graph, test.items) == pytest.approx(test.probabilities, abs=TOLERANCE)


def test_the_replay_is_a_few_validation_items_of_every_class(laboratory, attempt):
    champion = fit_champion(laboratory, attempt())
    items = champion.replay_items
    assert len(items) == min(N_REPLAY, len(laboratory.run.split.validation))
    assert set(items) <= set(laboratory.run.split.validation)
    assert set(laboratory.labels[items]) == {0, 1, 2}
    assert len(set(items)) == len(items)


def test_only_the_stages_that_are_read_are_in_the_graph(laboratory, attempt):
    shallow = fit_champion(laboratory, attempt(stage="top-2", number=1)).graph
    deep = fit_champion(laboratory, attempt(stage="top", number=2)).graph
    kinds = [sum(node.op_type == "Conv" for node in graph.graph.node) for graph in (shallow, deep)]
    assert kinds == [1, 3]


@pytest.fixture
def mix(laboratory, attempt):
    """mix(("logistic", "joined"), ("rbf-svm", "top"), weights=[0.7, 0.3]): the trial of an ensemble of probes."""

    def mix(*probes, weights):
        trials = [attempt(head, stage, number=number) for number, (head, stage) in enumerate(probes, 1)]
        loaded = [Predictions.load(laboratory.run.trial_folder(t.number) / "predictions.npz") for t in trials]
        mixed = np.tensordot(weights, [p.probabilities for p in loaded], axes=1)
        outcome = laboratory.ensemble(trials, np.array(weights), replace(loaded[0], probabilities=mixed))
        return record(9, outcome, laboratory.score(outcome.predictions), started=0.0)

    return mix


@pytest.mark.parametrize(
    ("probes", "weights"),
    [
        ([("logistic", "joined"), ("rbf-svm", "top")], [0.7, 0.3]),
        ([("logistic", "top"), ("logistic", "top-1"), ("knn", "top")], [0.5, 0.25, 0.25]),
        ([("linear-svm", "joined"), ("dense", "top-2")], [0.6, 0.4]),
        ([("logistic", "joined")], [1.0]),
    ],
)
def test_an_ensembles_graph_says_what_its_members_say_together(laboratory, mix, probes, weights):
    champion = fit_champion(laboratory, mix(*probes, weights=weights))
    test = champion.test()
    assert test.items.tolist() == laboratory.run.split.test.tolist()
    assert graph_says(laboratory, champion.graph, test.items) == pytest.approx(test.probabilities, abs=TOLERANCE)
    found = graph_says(laboratory, champion.graph, champion.replay_items)
    assert found == pytest.approx(champion.replay_probabilities, abs=TOLERANCE)


def test_an_ensemble_is_the_weighted_mean_of_its_refitted_members(laboratory, mix, attempt):
    trial = mix(("logistic", "joined"), ("knn", "top"), weights=[0.7, 0.3])
    members = [
        fit_champion(laboratory, TrialRecord.from_json(m["trial"])).test().probabilities
        for m in trial.params["members"]
    ]
    expected = apply_temperature(0.7 * members[0] + 0.3 * members[1], trial.temperature)
    assert fit_champion(laboratory, trial).test().probabilities == pytest.approx(expected, abs=1e-6)


def test_members_without_weight_are_no_members(laboratory, mix):
    trial = mix(("logistic", "joined"), ("knn", "top"), ("logistic", "top"), weights=[0.6, 0.0, 0.4])
    assert [m["trial"]["number"] for m in trial.params["members"]] == [1, 3]
    assert [m["weight"] for m in trial.params["members"]] == [0.6, 0.4]
    assert (trial.strategy, trial.backbone, trial.size, trial.head) == (ENSEMBLE, "tiny", "32x32", ENSEMBLE)


def test_the_record_of_an_ensemble_is_plain_json_also_where_a_member_has_no_interval(laboratory, attempt):
    member = replace(attempt(number=1), score=ScoreInterval(0.5))
    predictions = Predictions.load(laboratory.run.trial_folder(1) / "predictions.npz")
    outcome = laboratory.ensemble([member], np.array([1.0]), predictions)
    assert "NaN" not in json.dumps(outcome.params, allow_nan=False)


def test_only_an_ensemble_has_a_mean_in_its_graph_and_one_pass_through_the_backbone(laboratory, mix, attempt):
    alone = fit_champion(laboratory, attempt(number=7)).graph
    together = fit_champion(laboratory, mix(("logistic", "joined"), ("logistic", "top"), weights=[0.5, 0.5])).graph
    sums = [sum(node.op_type == "Sum" for node in graph.graph.node) for graph in (alone, together)]
    convolutions = [sum(node.op_type == "Conv" for node in graph.graph.node) for graph in (alone, together)]
    assert sums == [0, 1]
    assert convolutions == [3, 3]
