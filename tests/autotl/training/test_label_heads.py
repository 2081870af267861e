"""Heads of several labels: one for each, on the same features."""

from __future__ import annotations

from functools import partial

import numpy as np
import onnxruntime
import pytest

from autotl.data.split import Split
from autotl.errors import PluginError
from autotl.interfaces import Head
from autotl.training.calibration import fit_calibration
from autotl.training.cross_validation import cross_validate, majority
from autotl.training.label_heads import STRENGTHS, LabelClassifier
from autotl.training.label_networks import LabelNetwork
from autotl.training.target_heads import build_for


def logistic(C=1.0):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C)


def forest():
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(20, random_state=0)


def made(n=300, n_labels=3, seed=0):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 8)).astype(np.float32)
    weights = rng.normal(size=(8, n_labels))
    labels = vectors @ weights + rng.normal(size=(n, n_labels)) > 1
    return vectors, labels


def split_of(n, n_folds=3):
    return Split(fold=np.arange(n) % n_folds, cluster=np.arange(n))


def classifier(build, n_labels=3):
    return LabelClassifier(Head("mine", build), build, 8, n_labels, seed=0)


def in_graph(one, vectors):
    session = onnxruntime.InferenceSession(one.to_onnx().SerializeToString())
    [found] = session.run(["probabilities"], {"features": vectors})
    return found


@pytest.mark.parametrize("build", [logistic, forest])
def test_out_of_fold_probabilities_are_in_0_to_1_and_find_the_labels(build):
    vectors, labels = made()
    found = cross_validate(classifier(build), vectors, labels, split_of(len(labels))).predictions
    assert sorted(found.items) == list(range(300))
    assert found.probabilities.shape == found.labels.shape == (300, 3)
    assert ((found.probabilities >= 0.5) == found.labels).mean() > 0.8


@pytest.mark.parametrize("build", [logistic, forest])
def test_the_graph_answers_as_the_fitted_head_does(build):
    vectors, labels = made()
    one = classifier(build)
    one.fit(vectors, labels)
    one.calibration = fit_calibration(one.answers(vectors), labels, 3)
    one.fit(vectors, labels)
    assert np.abs(in_graph(one, vectors) - one.probabilities(vectors)).max() < 1e-5


def test_each_label_gets_the_strength_that_its_held_out_answers_prefer():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(200, 40)).astype(np.float32)
    labels = np.stack([vectors[:, 0] > 0, rng.random(200) < 0.5], axis=1)  # one is clear, one is noise
    build = partial(logistic, 0.01)
    one = LabelClassifier(Head("mine", build), build, 40, 2, seed=0)
    calibration = cross_validate(one, vectors, labels, split_of(200)).calibration
    chosen = calibration.weights.any(axis=1).reshape(2, len(STRENGTHS))
    assert chosen.sum(axis=1).tolist() == [1, 1]
    assert chosen[0].argmax() == STRENGTHS.index(10.0)
    assert chosen[1].argmax() != STRENGTHS.index(10.0)
    one.calibration = calibration
    one.fit(vectors, labels)
    assert len(one._fitted) == 2  # the final head fits nothing that is not needed


def test_a_head_without_a_strength_is_fitted_once_for_each_label():
    assert classifier(forest).strengths == (1.0,)
    assert classifier(logistic).strengths == STRENGTHS


def test_items_of_which_a_label_is_unknown_teach_it_nothing():
    vectors, labels = made()
    partly = labels.astype(np.int8)
    partly[150:, 0] = -1
    whole, half = classifier(logistic), classifier(logistic)
    whole.fit(vectors, partly)
    half.fit(vectors[:150], labels[:150])
    assert np.allclose(whole.answers(vectors)[:, :3], half.answers(vectors)[:, :3])
    assert not np.allclose(whole.answers(vectors)[:, 3:], half.answers(vectors)[:, 3:])


def test_a_label_that_no_training_item_has_gets_its_share_and_can_be_exported():
    vectors, labels = made()
    labels[:, 1] = False
    one = classifier(logistic)
    one.fit(vectors, labels)
    one.calibration = fit_calibration(one.answers(vectors), labels, 3)
    one.fit(vectors, labels)
    found = in_graph(one, vectors)
    assert np.ptp(found[:, 1]) == 0
    assert 0 < found[0, 1] < 0.01


def dense(n_features, n_labels):
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((n_features,))
    hidden = keras.layers.Dense(16, "relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(n_labels, "softmax")(hidden))


def test_a_network_learns_all_labels_at_once_and_its_graph_says_the_same():
    vectors, labels = made(600)
    partly = labels.astype(np.int8)
    partly[:50, 0] = -1
    one = build_for("labels", Head("net", dense), dense, 8, 3, seed=0)
    assert isinstance(one, LabelNetwork)
    found = cross_validate(one, vectors, partly, split_of(600))
    right = (found.predictions.probabilities >= 0.5) == (found.predictions.labels > 0)
    assert right[found.predictions.labels >= 0].mean() > 0.8
    one.calibration = found.calibration
    assert np.abs(in_graph(one, vectors) - one.probabilities(vectors)).max() < 1e-4


def test_a_network_that_does_not_end_in_a_softmax_is_refused():
    import keras

    def linear(n_features, n_labels):
        return keras.Sequential([keras.Input((n_features,)), keras.layers.Dense(n_labels)])

    with pytest.raises(PluginError, match="does not end in a softmax"):
        build_for("labels", Head("net", linear), linear, 8, 3, seed=0)


def test_the_baseline_answers_the_share_of_each_label_where_it_is_known():
    labels = np.array([[1, -1], [0, 1], [1, 1], [0, 0]], dtype=np.int8)
    found = majority(labels, Split(np.array([0, 0, 1, 1]), np.arange(4)), 2)
    assert found.probabilities.tolist() == [[0.5, 0.5], [0.5, 0.5], [0.5, 1.0], [0.5, 1.0]]


def test_what_is_no_classifier_is_refused_by_name():
    with pytest.raises(PluginError, match="head 'mine' built a dict"):
        classifier(dict)
