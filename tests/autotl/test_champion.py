"""The champion's one graph computes what the training side computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from autotl import finetune
from autotl.candidate import FINE_TUNE, PROBE, Candidate, Training
from autotl.champion import refit
from autotl.hyperparameters import replay
from autotl.images import decode
from autotl.network import open_session
from autotl.predictions import apply_temperature
from autotl.trials import CALIBRATION_FILE, N_REPLAY, candidate_of, record

TOLERANCE = 1e-4


@pytest.fixture
def attempt(laboratory, monkeypatch):
    """attempt(head="dense", stage="top"): runs a trial and gives its record."""
    monkeypatch.setattr(finetune, "MAX_EPOCHS", 2)

    def attempt(head="logistic", stage="joined", pooling="avg+max", strategy=PROBE, number=0):
        training = Training(1, 1e-3, 1e-4, augment=False) if strategy == FINE_TUNE else None
        candidate = Candidate(strategy, "tiny", (32, 32), stage, pooling, head, training)
        folder = laboratory.run.trial_folder(number)
        folder.mkdir(parents=True)
        if training:
            outcome = laboratory.fine_tune(candidate, replay({}), lambda epoch, value: None, folder)
        else:
            outcome = laboratory.probe(candidate, replay({}), lambda fold, value: None)
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
    champion = refit(laboratory, attempt(head, stage, pooling))
    test = champion.test()
    assert test.items.tolist() == laboratory.run.split.test.tolist()
    assert graph_says(laboratory, champion.graph, test.items) == pytest.approx(test.probabilities, abs=TOLERANCE)
    found = graph_says(laboratory, champion.graph, champion.replay_items)
    assert found == pytest.approx(champion.replay, abs=TOLERANCE)


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
    champion = refit(laboratory, trial)
    inputs = laboratory.inputs(candidate_of(trial))
    [fitted] = seen
    assert np.array_equal(fitted, inputs.vectors[laboratory.run.split.development])
    assert len(champion.test().items) == len(laboratory.run.split.test)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 3.0, 20.0])
def test_the_temperature_is_in_the_graph(laboratory, attempt, temperature):
    trial = attempt()
    plain = refit(laboratory, replace(trial, temperature=1.0))
    scaled = refit(laboratory, replace(trial, temperature=temperature))
    items = scaled.replay_items
    expected = apply_temperature(graph_says(laboratory, plain.graph, items), temperature)
    assert graph_says(laboratory, scaled.graph, items) == pytest.approx(expected, abs=1e-3)
    assert graph_says(laboratory, scaled.graph, items) == pytest.approx(scaled.replay, abs=1e-3)


def test_a_fine_tuned_champion_keeps_its_trials_weights_and_predicts_with_its_graph(laboratory, attempt):
    trial = attempt("dense", "top", "avg", FINE_TUNE, number=2)
    champion = refit(laboratory, trial)
    found = graph_says(laboratory, champion.graph, champion.replay_items)
    assert found == pytest.approx(champion.replay, abs=TOLERANCE)
    test = champion.test()
    assert test.items.tolist() == laboratory.run.split.test.tolist()
    assert graph_says(laboratory, champion.graph, test.items) == pytest.approx(test.probabilities, abs=TOLERANCE)


def test_the_replay_is_a_few_validation_items_of_every_class(laboratory, attempt):
    champion = refit(laboratory, attempt())
    items = champion.replay_items
    assert len(items) == min(N_REPLAY, len(laboratory.run.split.validation))
    assert set(items) <= set(laboratory.run.split.validation)
    assert set(laboratory.labels[items]) == {0, 1, 2}
    assert len(set(items)) == len(items)


def test_only_the_stages_that_are_read_are_in_the_graph(laboratory, attempt):
    shallow = refit(laboratory, attempt(stage="top-2", number=1)).graph
    deep = refit(laboratory, attempt(stage="top", number=2)).graph
    kinds = [sum(node.op_type == "Conv" for node in graph.graph.node) for graph in (shallow, deep)]
    assert kinds == [1, 3]
