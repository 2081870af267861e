"""The graphs of a model's doubts say what the calibrated rules say."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from autotl.evidence.abstention import conformal_sets
from autotl.evidence.abstention.novelty import ClassDistances, p_values
from autotl.features.frozen_network import open_session
from autotl.graphs.doubts import membership, novelty, unsure

RNG = np.random.default_rng(0)


def run(graph, **inputs):
    onnx.checker.check_model(graph, full_check=True)
    [found] = open_session(graph.SerializeToString()).run(None, inputs)
    return found


def rule(method, thresholds):
    n = len(thresholds)
    return conformal_sets.SetRule(method, 0.1, np.asarray(thresholds), np.full(n, 9), np.zeros(n, bool))


def test_sets_hold_the_classes_whose_score_is_at_most_the_threshold():
    probabilities = RNG.dirichlet(np.ones(4), 200).astype(np.float32)
    thresholds = np.array([0.2, 0.7, 0.95, 0.9])
    found = run(membership(thresholds), probabilities=probabilities)
    assert found.dtype == bool
    assert np.array_equal(found, rule("lac", thresholds).contains(probabilities))
    assert found.any()
    assert not found.all()


def test_sets_by_raps_are_those_of_the_rule_also_where_classes_are_equally_probable():
    probabilities = RNG.dirichlet(np.ones(30), 100)
    probabilities[:10] = np.full(30, 1 / 30)
    probabilities[10:20, :15] = probabilities[10:20, 15:]
    probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
    thresholds = RNG.uniform(0.5, 0.99, 30)
    graph = membership(thresholds, penalty=conformal_sets.PENALTY, free_ranks=conformal_sets.FREE_RANKS)
    expected = rule("raps", thresholds).contains(probabilities)
    found = run(graph, probabilities=probabilities)
    assert (found != expected).mean() < 0.001  # sums of float32 at a threshold
    assert 0.2 < expected.mean() < 0.9


def test_below_the_threshold_an_answer_is_unsure_and_at_it_it_is_not():
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]], np.float32)
    assert run(unsure(0.75, 2), probabilities=probabilities).tolist() == [True, False, False]


def test_the_p_value_is_that_of_the_distance_to_the_nearest_class():
    detector = ClassDistances(
        RNG.normal(size=(12, 5)).astype(np.float32), RNG.normal(size=5).astype(np.float32),
        RNG.normal(size=(3, 5)).astype(np.float32),
    )  # fmt: skip
    features = RNG.normal(size=(40, 12)).astype(np.float32) * 7
    distances = np.sort(detector(RNG.normal(size=(99, 12))))
    found = run(novelty(detector.axes, detector.offset, detector.centres, distances), features=features)
    assert found == pytest.approx(p_values(distances, detector(features)), abs=0.0101)
    assert found.shape == (40,)
    assert 0.01 <= found.min() < found.max() <= 1


def test_features_of_nothing_have_a_p_value_too():
    graph = novelty(np.eye(3), np.ones(3), np.zeros((2, 3)), np.arange(5.0))
    assert run(graph, features=np.zeros((1, 3), np.float32)) == pytest.approx([3 / 6])
