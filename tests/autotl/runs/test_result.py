"""The result of a search: the same document as before it had a type, and damage that is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotl.errors import RunError
from autotl.runs.result import RunResult, by_class, overall
from autotl.scores import ScoreInterval

RECORDED = json.loads(Path(__file__).with_name("recorded_results.json").read_text(encoding="utf-8"))
"""The results of two runs of November 2026, a fine-tuned champion and a probe, with the scores of two classes each."""
FULL = RECORDED[1] | {
    "outlook": {"gain": 0.01, "low": 0.0, "high": 0.02, "sentence": "ten times as many would bring 0.010 more"},
    "refit": {
        "of": "runs/before", "relabelled": 1, "excluded": 2, "added": 3, "changed_in_test": 1,
        "difference": {"value": 0.1, "low": 0.0, "high": 0.2}, "sentence": "fitted again",
    },
    "tracking": {"tracking_uri": "sqlite:///mlflow.db", "registered": {"name": "a", "alias": "champion", "version": 1}},
    "of_a_later_version": {"a": [1]},
}  # fmt: skip


@pytest.mark.parametrize("document", [*RECORDED, FULL])
def test_a_recorded_document_stays_the_same_key_for_key(document):
    again = RunResult.from_json(document).to_json()
    assert again == document
    assert json.dumps(again) == json.dumps({name: document[name] for name in again})


@pytest.mark.parametrize("document", RECORDED)
def test_the_keys_stay_in_their_order(document):
    assert list(RunResult.from_json(document).to_json()) == list(document)


def test_undefined_scores_are_null():
    document = FULL | {"test": {**FULL["test"], "roc_auc": {"value": None, "low": None, "high": None}}}
    result = RunResult.from_json(document)
    assert result.test["roc_auc"] == ScoreInterval()
    assert result.to_json() == document


def test_images_for_training_and_validation_are_counted_together_and_those_of_the_test_are_not():
    found = RunResult.from_json(FULL | {"n_items": {"train": 7, "validation": 3, "test": 2, "left_out": 5}})
    assert found.n_development == 10
    assert RunResult.from_json(FULL | {"n_items": {}}).n_development == 0


def test_scores_of_classes_are_told_apart_whatever_brackets_the_names_hold():
    classes = ("bird_s", "*cats*", "dogs: [old]", "a]", "[")
    scores = {"accuracy": 0, **{f"{kind}[{name}]": name for kind in ("recall", "precision") for name in classes}}
    assert by_class(scores) == {kind: {name: name for name in classes} for kind in ("recall", "precision")}
    assert overall(scores) == {"accuracy": 0}


def test_a_document_of_an_older_version_is_read_without_what_it_lacks():
    optional = ("ended", "outlook", "passed_over", "fingerprint", "n_unused", "unkept", "refit", "seconds", "tracking")
    older = RunResult.from_json({name: value for name, value in FULL.items() if name not in optional})
    assert (older.ended, older.expected_gain, older.passed_over, older.refit) == ("", None, (), None)
    assert older.test == RunResult.from_json(FULL).test


@pytest.mark.parametrize("name", ["objective", "champion", "search", "test", "default", "verdict", "n_items"])
@pytest.mark.parametrize("value", ["x", None, {"a": None}, 7])
def test_a_damaged_document_is_an_error_that_names_the_file(name, value):
    with pytest.raises(RunError, match=r"the result in run\.json is damaged"):
        RunResult.from_json(FULL | {name: value})


@pytest.mark.parametrize("document", [[], 7, "x"])
def test_what_is_not_a_document_is_an_error(document):
    with pytest.raises(RunError, match="damaged"):
        RunResult.from_json(document)


def test_members_of_an_ensemble_are_read_from_its_parameters():
    member = {"weight": 0.5, "trial": {"number": 3, "head": "svm", "stage": "top", "pooling": "avg"}}
    champion = FULL["champion"] | {"strategy": "ensemble", "params": {"members": [member]}}
    [found] = RunResult.from_json(FULL | {"champion": champion}).champion.members
    assert (found.weight, found.trial, found.head) == (0.5, 3, "svm")
    broken = FULL["champion"] | {"params": {"members": [{"weight": "x"}]}}
    assert RunResult.from_json(FULL | {"champion": broken}).champion.members == ()
