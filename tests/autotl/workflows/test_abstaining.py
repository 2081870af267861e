"""A champion leaves with doubts that were calibrated on the search, judged on the test split, and are in its graph."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import numpy as np
import onnx
import pytest

from autotl.deploy.champion import fit_champion
from autotl.deploy.deployable import load_deployable, replay
from autotl.deploy.predictor import Predictor
from autotl.errors import ExportError
from autotl.evidence.abstention.accepting import AcceptRule
from autotl.features.frozen_network import open_session
from autotl.images.decoder import decode
from autotl.predictions import Predictions
from autotl.runs.doubts import DoubtsSummary
from autotl.search.ensemble_trials import ensemble
from autotl.search.outcome import completed
from autotl.search.trial_files import load_predictions, save_predictions
from autotl.trial import FINE_TUNE
from autotl.workflows import abstaining as module
from autotl.workflows import conclusion
from autotl.workflows.abstaining import doubts, with_doubts
from autotl.workflows.subject import Subject


@pytest.fixture
def make(context):
    """make(trial): its champion, that champion with doubts, what they are worth, and its answers on the test split."""

    def make(trial, *, seconds_left=lambda: math.inf, change=lambda tested: tested):
        champion = fit_champion(context, trial)
        searched, tested = load_predictions(context.run, trial.number), change(champion.test())
        doubting, summary = with_doubts(context, champion, searched, tested, seconds_left=seconds_left)
        return champion, doubting, summary, tested

    return make


@pytest.fixture
def always_accepting(monkeypatch):
    """48 images are too few for the promise itself."""
    rule = AcceptRule(0.6, 0.05, 0.95, 0.9, 48)
    monkeypatch.setattr(module.accepting, "find_accept_rule", lambda *arguments, **options: rule)


def says(context, graph, items, **inputs):
    onnx.checker.check_model(graph, full_check=True)
    pixels = np.stack([decode(context.run.dataset.path(int(i)), 32, 32) for i in items])
    session = open_session(graph.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"images": pixels, **inputs}), strict=True))


@pytest.fixture
def trials(context, attempt):
    """trials("probe"), of each kind that can be champion."""

    def trials(kind):
        if kind == "ensemble":
            probes = [attempt(number=0), attempt("knn", "top", "avg", number=1)]
            loaded = [load_predictions(context.run, trial.number) for trial in probes]
            mixed = replace(loaded[0], probabilities=(loaded[0].probabilities + loaded[1].probabilities) / 2)
            begun, outcome = ensemble(probes, np.array([0.5, 0.5]), mixed, number=2, started=0.0)
            save_predictions(context.run, 2, outcome.predictions)
            return completed(begun, outcome, context.objective.score(outcome.predictions), {})
        return attempt("dense", "top", strategy=FINE_TUNE) if kind == "fine-tune" else attempt(stage=kind)

    return trials


@pytest.mark.parametrize("kind", ["joined", "top", "ensemble", "fine-tune"])
def test_the_graph_says_what_was_calibrated_and_the_same_probabilities_to_the_bit(
    context, trials, make, always_accepting, kind
):
    before, after, summary, tested = make(trials(kind))
    assert summary.left_out == ()
    found = says(context, after.graph, tested.items)
    was = says(context, before.graph, tested.items)["probabilities"]
    assert np.array_equal(found["probabilities"], was)
    off = says(context, after.graph, tested.items, doubts=np.array(False))
    assert np.array_equal(off["probabilities"], was)
    assert [len(off[name]) for name in ("set", "unsure", "none_of_these")] == [0, 0, 0]
    thresholds = np.array([one.threshold for one in summary.sets.classes.values()])
    assert (found["set"] != (1 - tested.probabilities <= thresholds)).mean() < 0.05  # rounding at a threshold
    assert np.array_equal(found["unsure"], was.max(axis=1) < np.float32(0.6))
    assert summary.novelty.tested.value == pytest.approx((found["none_of_these"] <= 0.05).mean(), abs=0.1)
    assert ((found["none_of_these"] > 0) & (found["none_of_these"] <= 1)).all()


def test_the_frozen_network_is_not_computed_twice_for_a_probe(trials, make):
    before, after, _, _ = make(trials("joined"))

    def convolutions(graph):
        inner = [a.g for node in graph.node for a in node.attribute if a.HasField("g")]
        return sum(node.op_type == "Conv" for node in graph.node) + sum(map(convolutions, inner))

    assert convolutions(after.graph.graph) == convolutions(before.graph.graph) > 0


def test_what_no_guarantee_can_be_given_for_is_left_out_and_said(attempt, make):
    _, after, summary, _ = make(attempt())
    assert summary.accept is None
    [why] = summary.left_out
    assert why.startswith(
        "accept threshold: at most 5 % wrong among the answered, with 95 % certainty, cannot be promised"
    )
    assert [output.name for output in after.graph.graph.output] == ["probabilities", "set", "none_of_these"]


def test_the_test_split_has_no_part_in_the_calibration(attempt, make):
    trial = attempt()

    def turned(tested):
        return Predictions(tested.items, tested.labels, tested.probabilities[::-1])

    first, second = make(trial)[1:3], make(trial, change=turned)[1:3]
    assert first[0].graph.SerializeToString() == second[0].graph.SerializeToString()
    assert first[1].sets.tested != second[1].sets.tested
    thresholds = [[one.threshold for one in summary.sets.classes.values()] for _, summary in (first, second)]
    assert thresholds[0] == thresholds[1]


def test_one_that_fails_costs_neither_the_champion_nor_the_others(context, attempt, make, monkeypatch, events):
    def failing(*arguments, **options):
        raise FloatingPointError("it does not converge")

    monkeypatch.setattr(module, "calibrate_novelty", failing)
    before, after, summary, _ = make(attempt())
    assert summary.novelty is None
    assert summary.sets
    assert "none of these: it failed: FloatingPointError: it does not converge" in summary.left_out
    assert any("it does not converge" in event["text"] for event in events(context, "message"))
    assert after.replay_probabilities is before.replay_probabilities


def test_a_graph_that_says_something_else_than_was_calibrated_is_not_offered(attempt, make, monkeypatch):
    monkeypatch.setattr(module.joined, "add_novelty", lambda model, novelty: model)
    _, _, summary, _ = make(attempt())
    assert summary.novelty is None
    assert any(why.startswith("none of these: it failed") for why in summary.left_out)


def test_without_time_what_takes_time_is_left_out(attempt, make):
    _, _, summary, _ = make(attempt(), seconds_left=lambda: 0.0)
    assert summary.sets
    assert "none of these: no time was left to calibrate it" in summary.left_out


def test_a_deployable_with_doubts_holds_them_and_passes_its_replay(context, attempt, make, always_accepting, tmp_path):
    _, after, summary, _ = make(attempt())
    out = tmp_path / "model"
    conclusion.write_champion(context.run, after, out, facts={"doubts": summary.to_json()}, card="# Card")
    assert replay(load_deployable(out)) <= 1e-4
    [found] = Predictor(out).predict(context.run.dataset.path(0))
    assert set(found) == {"item", "label", "probabilities", "set", "unsure", "none_of_these"}
    assert DoubtsSummary.from_json(json.loads((out / "metadata.json").read_text())["doubts"]) == summary


def test_an_output_that_is_missing_or_differs_is_an_error(context, attempt, make):
    before, after, _, _ = make(attempt())
    pixels = np.stack([decode(context.run.dataset.path(int(i)), 32, 32) for i in before.replay_items])
    far = {"none_of_these": np.full(len(pixels), -1.0)}
    with pytest.raises(ExportError, match="none_of_these differs"):
        module.joined.prove(before, after.graph, {"images": pixels}, far)
    with pytest.raises(ExportError, match="the output set has the shape"):
        module.joined.prove(before, after.graph, {"images": pixels}, {"set": np.zeros((1, 3), bool)})


def test_one_class_too_many_in_a_set_is_an_error_unless_it_is_within_the_last_digits(context, attempt, make):
    before, after, _, _ = make(attempt())
    pixels = np.stack([decode(context.run.dataset.path(int(i)), 32, 32) for i in before.replay_items])
    said = open_session(after.graph.SerializeToString()).run(["set"], {"images": pixels})[0]
    other = said.copy()
    other[0, 0] = ~other[0, 0]
    module.joined.prove(before, after.graph, {"images": pixels}, {"set": said})
    with pytest.raises(ExportError, match="the output set differs for 1 of"):
        module.joined.prove(before, after.graph, {"images": pixels}, {"set": other})
    module.joined.prove(before, after.graph, {"images": pixels}, {"set": other}, margins=np.full(said.shape, 1e-6))


def test_a_summary_survives_json_and_says_what_it_is_worth(context, attempt, make, always_accepting):
    _, after, summary, tested = make(attempt())
    assert DoubtsSummary.from_json(json.loads(json.dumps(summary.to_json(), allow_nan=False))) == summary
    subject = Subject(context, after, tested, tested, _Result(summary))
    said = doubts(subject)
    assert [part.title for part in said.parts] == [
        "Wrong answers, by how many are given", "How often sets hold the true class", "When it does not know",
        "Sets of classes",
    ]  # fmt: skip
    assert said.sentences[0].startswith("The model calls itself unsure below a probability of 0.6: with 95 % certainty")
    assert said.sentences[1].startswith("A set of classes should contain the true one in 90 % of cases, for each class")
    assert said.sentences[2].startswith('"None of these": images with a p-value of at most 5 %')
    shown = json.dumps([part.__dict__ for part in said.parts], allow_nan=False)
    assert not re.search(r"\d%", shown + "".join(said.sentences))
    nothing = doubts(replace(subject, result=_Result(None)))
    assert (nothing.parts, nothing.sentences) == ((), ())


class _Result:
    """The one field of a result that is read here."""

    def __init__(self, doubts):
        self.doubts = doubts
