"""The champion's one graph computes what the training side computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from autotl.deploy import champion as module
from autotl.deploy.champion import fit_champion
from autotl.features.frozen_network import open_session
from autotl.images.decoder import decode
from autotl.search.ensemble_trials import ensemble
from autotl.search.outcome import completed
from autotl.search.replay_items import N_REPLAY
from autotl.search.trial_files import load_predictions
from autotl.training.calibration import apply_temperature
from autotl.trial import FINE_TUNE

TOLERANCE = 1e-4


def graph_says(context, graph, items):
    onnx.checker.check_model(graph)
    pixels = np.stack([decode(context.run.dataset.path(int(i)), 32, 32) for i in items])
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
def test_a_probes_graph_says_what_the_refitted_head_says(context, attempt, head, stage, pooling):
    champion = fit_champion(context, attempt(head, stage, pooling))
    test = champion.test()
    assert test.items.tolist() == context.run.split.test.tolist()
    assert graph_says(context, champion.graph, test.items) == pytest.approx(test.probabilities, abs=TOLERANCE)
    found = graph_says(context, champion.graph, champion.replay_items)
    assert found == pytest.approx(champion.replay_probabilities, abs=TOLERANCE)


def test_a_probe_is_refitted_on_everything_but_the_test_split(context, attempt, monkeypatch):
    trial = attempt()
    seen = []
    make = module.build_classifier

    def watched(*arguments):
        classifier = make(*arguments)
        fit = classifier.fit
        classifier.fit = lambda vectors, labels: (seen.append(vectors), fit(vectors, labels))
        return classifier

    monkeypatch.setattr(module, "build_classifier", watched)
    champion = fit_champion(context, trial)
    inputs = context.inputs.get(context.candidate(trial))
    [fitted] = seen
    assert np.array_equal(fitted, inputs.vectors[context.run.split.development])
    assert len(champion.test().items) == len(context.run.split.test)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 3.0, 20.0])
def test_the_temperature_is_in_the_graph(context, attempt, temperature):
    trial = attempt()
    plain = fit_champion(context, replace(trial, temperature=1.0))
    scaled = fit_champion(context, replace(trial, temperature=temperature))
    items = scaled.replay_items
    expected = apply_temperature(graph_says(context, plain.graph, items), temperature)
    assert graph_says(context, scaled.graph, items) == pytest.approx(expected, abs=1e-3)
    assert graph_says(context, scaled.graph, items) == pytest.approx(scaled.replay_probabilities, abs=1e-3)


def test_a_fine_tuned_champion_keeps_its_trials_weights_and_predicts_with_its_graph(context, attempt):
    trial = attempt("dense", "top", "avg", FINE_TUNE, number=2)
    champion = fit_champion(context, trial)
    found = graph_says(context, champion.graph, champion.replay_items)
    assert found == pytest.approx(champion.replay_probabilities, abs=TOLERANCE)
    test = champion.test()
    assert test.items.tolist() == context.run.split.test.tolist()
    assert graph_says(context, champion.graph, test.items) == pytest.approx(test.probabilities, abs=TOLERANCE)


def test_the_replay_is_a_few_validation_items_of_every_class(context, attempt):
    champion = fit_champion(context, attempt())
    items = champion.replay_items
    assert len(items) == min(N_REPLAY, len(context.run.split.validation))
    assert set(items) <= set(context.run.split.validation)
    assert set(context.labels[items]) == {0, 1, 2}
    assert len(set(items)) == len(items)


def test_only_the_stages_that_are_read_are_in_the_graph(context, attempt):
    shallow = fit_champion(context, attempt(stage="top-2", number=1)).graph
    deep = fit_champion(context, attempt(stage="top", number=2)).graph
    kinds = [sum(node.op_type == "Conv" for node in graph.graph.node) for graph in (shallow, deep)]
    assert kinds == [1, 3]


@pytest.fixture
def mix(context, attempt):
    """mix(("logistic", "joined"), ("rbf-svm", "top"), weights=[0.7, 0.3]): the trial of an ensemble of probes."""

    def mix(*probes, weights):
        trials = [attempt(head, stage, number=number) for number, (head, stage) in enumerate(probes, 1)]
        loaded = [load_predictions(context.run, trial.number) for trial in trials]
        mixed = np.tensordot(weights, [p.probabilities for p in loaded], axes=1)
        predictions = replace(loaded[0], probabilities=mixed)
        begun, outcome = ensemble(trials, np.array(weights), predictions, number=9, started=0.0)
        return completed(begun, outcome, context.objective.score(outcome.predictions), {})

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
def test_an_ensembles_graph_says_what_its_members_say_together(context, mix, probes, weights):
    champion = fit_champion(context, mix(*probes, weights=weights))
    test = champion.test()
    assert test.items.tolist() == context.run.split.test.tolist()
    assert graph_says(context, champion.graph, test.items) == pytest.approx(test.probabilities, abs=TOLERANCE)
    found = graph_says(context, champion.graph, champion.replay_items)
    assert found == pytest.approx(champion.replay_probabilities, abs=TOLERANCE)


def test_an_ensemble_is_the_weighted_mean_of_its_refitted_members(context, mix, attempt):
    trial = mix(("logistic", "joined"), ("knn", "top"), weights=[0.7, 0.3])
    members = [fit_champion(context, member.trial).test().probabilities for member in trial.members]
    expected = apply_temperature(0.7 * members[0] + 0.3 * members[1], trial.temperature)
    assert fit_champion(context, trial).test().probabilities == pytest.approx(expected, abs=1e-6)


def test_only_an_ensemble_has_a_mean_in_its_graph_and_one_pass_through_the_backbone(context, mix, attempt):
    alone = fit_champion(context, attempt(number=7)).graph
    together = fit_champion(context, mix(("logistic", "joined"), ("logistic", "top"), weights=[0.5, 0.5])).graph
    sums = [sum(node.op_type == "Sum" for node in graph.graph.node) for graph in (alone, together)]
    convolutions = [sum(node.op_type == "Conv" for node in graph.graph.node) for graph in (alone, together)]
    assert sums == [0, 1]
    assert convolutions == [3, 3]
