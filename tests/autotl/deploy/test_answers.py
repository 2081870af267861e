"""What a model's outputs say of an item."""

from __future__ import annotations

import math

import numpy as np

from autotl.deploy.answers import open_answers

CLASSES = {"classes": ["a", "b"], "columns": ["a", "b"]}


def test_a_model_without_a_target_answers_with_a_class():
    answers = open_answers(CLASSES)
    said = answers.say(np.array([0.25, 0.75]))
    assert said == {"label": "b", "probabilities": {"a": 0.25, "b": 0.75}}
    assert answers.output == "probabilities"
    assert answers.table([said])["label"] == ["b"]


def test_labels_apply_from_their_own_thresholds_on_and_none_may():
    answers = open_answers(CLASSES | {"target": {"kind": "labels", "thresholds": [0.2, 0.8]}})
    both = answers.say(np.array([0.25, 0.8]))
    none = answers.say(np.array([0.1, 0.75]))
    assert both == {"labels": ["a", "b"], "probabilities": {"a": 0.25, "b": 0.8}}
    assert none["labels"] == []
    assert answers.table([both, none])["labels"] == ["a;b", ""]


def test_labels_without_thresholds_apply_from_one_half_on():
    assert open_answers(CLASSES | {"target": {"kind": "labels"}}).say(np.array([0.5, 0.4]))["labels"] == ["a"]


def test_a_number_has_an_interval_where_the_model_has_one():
    number = {"classes": [], "columns": [], "target": {"kind": "number", "interval": {"half_width": 2.0}}}
    answers = open_answers(number)
    assert answers.output == "value"
    assert answers.say(np.array([7.5])) == {"value": 7.5, "low": 5.5, "high": 9.5}
    bare = open_answers(number | {"target": {"kind": "number"}})
    assert bare.say(np.array([7.5])) == {"value": 7.5}
    assert math.isnan(bare.table([{"value": 7.5}])["low"][0])
