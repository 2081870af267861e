"""Heads of either kind, fitted the same way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from autotl.errors import ExportError, PluginError
from autotl.features.frozen_network import open_session
from autotl.graphs.surgery import keep_output, rename_tensor
from autotl.interfaces import Head
from autotl.predictions import log_loss
from autotl.runtime import keras_backend
from autotl.search.heads import build_head
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.training import classifiers
from autotl.training.calibration import Calibration
from autotl.training.classifiers import EstimatorClassifier, NetworkClassifier, batches, is_network, predict, wrap

N_FEATURES = 12
KINDS = ("logistic", "dense", "linear-svm", "rbf-svm")


@pytest.fixture(autouse=True)
def few_epochs(monkeypatch):
    """What is tested here shows after a few epochs as well as after many."""
    monkeypatch.setattr(classifiers, "MAX_EPOCHS", 12)


@pytest.fixture
def make(plugins):
    """make("dense", seed=1): a wrapped head for three classes; on_components=False: as if given features."""

    def make(name, *, seed=0, n_classes=3, on_components=True, **params):
        head = replace(plugins.all(Head)[name], on_components=on_components)
        with keras_backend.session(seed):
            built = build_head(
                head, fixed_hyperparameters({f"{name}/{k}": v for k, v in params.items()}), N_FEATURES, n_classes
            )
            return wrap(head, built, N_FEATURES, n_classes, seed=seed)

    return make


def blobs(n=120, n_classes=3, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(n_classes, N_FEATURES)) * 2
    labels = np.arange(n) % n_classes
    return ((centres[labels] + rng.normal(size=(n, N_FEATURES))) * scale).astype(np.float32), labels


def onnx_probabilities(classifier, vectors):
    session = open_session(classifier.to_onnx().SerializeToString())
    return session.run(["probabilities"], {"features": vectors})[0]


def test_heads_are_wrapped_by_what_they_build(make):
    assert isinstance(make("logistic"), EstimatorClassifier)
    dense = make("dense")
    assert isinstance(dense, NetworkClassifier)
    assert is_network(dense.model)


def test_a_head_that_builds_something_else_is_named():
    with pytest.raises(
        PluginError, match=r"head 'odd' built a dict; expected a scikit-learn classifier .* keras\.Model"
    ):
        wrap(Head("odd", lambda hp, n, k: {}), {}, N_FEATURES, 3, seed=0)


@pytest.mark.parametrize("name", KINDS)
def test_probabilities_are_right_and_sum_to_one(make, name):
    classifier = make(name)
    classifier.fit(*blobs())
    vectors, labels = blobs(seed=1, n=100)
    probabilities = classifier.probabilities(vectors)
    assert probabilities.shape == (100, 3)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.9


@pytest.mark.parametrize("name", KINDS)
def test_fitting_forgets_what_an_earlier_fit_learned(make, name):
    vectors, labels = blobs()
    fresh, reused = make(name), make(name)
    reused.fit(vectors * 30 + 7, (labels + 1) % 3)
    reused.fit(vectors, labels)
    fresh.fit(vectors, labels)
    test, _ = blobs(seed=1)
    assert np.array_equal(fresh.probabilities(test), reused.probabilities(test))


def test_fitting_again_forgets_running_averages_of_batch_normalisation_too(make):
    vectors, labels = blobs()
    fresh, reused = (make("dense", batch_normalisation=True) for _ in range(2))
    reused.fit(vectors * 5, (labels + 1) % 3)
    reused.fit(vectors, labels)
    fresh.fit(vectors, labels)
    assert np.array_equal(fresh.probabilities(vectors), reused.probabilities(vectors))


def test_the_seed_decides_what_a_network_becomes(make):
    def probabilities(seed):
        classifier = make("dense", seed=seed)
        with keras_backend.session(seed):
            classifier.fit(*blobs())
        return classifier.probabilities(blobs(seed=1)[0])

    first, same, other = probabilities(1), probabilities(1), probabilities(2)
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", KINDS)
def test_the_graph_agrees_with_the_training_side(make, name):
    vectors, labels = blobs(scale=50.0)
    classifier = make(name)
    classifier.fit(vectors, labels)
    test = np.concatenate([blobs(seed=1, scale=50.0)[0], np.zeros((1, N_FEATURES), np.float32)])
    assert onnx_probabilities(classifier, test) == pytest.approx(classifier.probabilities(test), abs=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_constant_features_do_no_harm(make, name):
    vectors, labels = blobs(n=1500)
    vectors[:, 0] = 0
    # Sums in float32 would leave it a deviation that is not quite 0. Components are centred, features are not.
    vectors[:, 1] = 1234.567 if name == "dense" else 0
    classifier = make(name, on_components=False)
    classifier.fit(vectors, labels)
    test, test_labels = blobs(seed=1)
    test[:, :2] = vectors[0, :2]
    probabilities = classifier.probabilities(test)
    assert np.isfinite(probabilities).all()
    assert (probabilities.argmax(axis=1) == test_labels).mean() > 0.9
    assert onnx_probabilities(classifier, test) == pytest.approx(probabilities, abs=1e-4)


def test_a_class_that_is_absent_from_training_gets_no_probability_and_cannot_be_exported(make):
    vectors, labels = blobs()
    classifier = make("logistic")
    classifier.fit(vectors[labels != 1], labels[labels != 1])
    probabilities = classifier.probabilities(vectors)
    assert probabilities.shape == (120, 3)
    assert (probabilities[:, 1] == 0).all()
    with pytest.raises(ExportError, match="a class has no training image"):
        classifier.to_onnx()


def test_an_estimator_without_a_converter_is_an_export_error_that_names_it():
    class Unknown(ClassifierMixin, BaseEstimator):
        def fit(self, vectors, labels):
            self.classes_ = np.unique(labels)
            return self

        def predict_proba(self, vectors):
            return np.full((len(vectors), len(self.classes_)), 1 / len(self.classes_))

    classifier = EstimatorClassifier(Unknown(), N_FEATURES, 3)
    classifier.fit(*blobs())
    with pytest.raises(ExportError, match="skl2onnx cannot convert Unknown"):
        classifier.to_onnx()


class Nearest(ClassifierMixin, BaseEstimator):
    """Minus the distance to the centre of each class: margins, and nothing else."""

    def fit(self, vectors, labels):
        self.classes_ = np.unique(labels)
        self.centres_ = np.stack([vectors[labels == label].mean(axis=0) for label in self.classes_])
        return self

    def decision_function(self, vectors):
        margins = -np.linalg.norm(vectors[:, None] - self.centres_, axis=2)
        return margins[:, 1] - margins[:, 0] if len(self.classes_) == 2 else margins


def test_margins_become_probabilities_by_the_calibration_and_by_a_softmax_until_there_is_one():
    vectors, labels = blobs(n=60)
    classifier = EstimatorClassifier(Nearest(), N_FEATURES, 3)
    classifier.fit(vectors, labels)
    assert classifier.gives_margins
    margins = classifier.answers(vectors)
    expected = np.exp(margins) / np.exp(margins).sum(axis=1, keepdims=True)
    assert classifier.probabilities(vectors) == pytest.approx(expected)
    classifier.calibration = Calibration(3 * np.eye(3), np.array([0.0, 1.0, 2.0]))
    assert classifier.probabilities(vectors) == pytest.approx(classifier.calibration.probabilities(margins))


def test_the_one_margin_of_two_classes_speaks_for_the_second():
    vectors, labels = blobs(n=60, n_classes=2)
    classifier = EstimatorClassifier(Nearest(), N_FEATURES, 2)
    classifier.fit(vectors, labels)
    margins = classifier.answers(vectors)
    assert margins.shape == (60, 2)
    assert np.array_equal(margins[:, 0], -margins[:, 1])
    assert (classifier.probabilities(vectors).argmax(axis=1) == labels).mean() > 0.9


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_absent_from_training_gets_the_lowest_margin_of_the_item_whoever_else_is_asked_about(absent):
    vectors, labels = blobs(n=60)
    classifier = EstimatorClassifier(Nearest(), N_FEATURES, 3)
    classifier.fit(vectors[labels != absent], labels[labels != absent])
    margins = classifier.answers(vectors)
    assert np.array_equal(margins[:, absent], np.delete(margins, absent, axis=1).min(axis=1))
    assert np.array_equal(classifier.answers(vectors[:1]), margins[:1])


def test_margins_without_a_graph_of_their_own_are_an_export_error_that_says_what_to_add():
    classifier = EstimatorClassifier(Nearest(), N_FEATURES, 3)
    classifier.fit(*blobs())
    with pytest.raises(ExportError, match=r"Nearest gives margins but brings no graph; add a method to_onnx\(\)"):
        classifier.to_onnx()


def test_an_estimators_own_graph_is_used():
    from autotl.graphs.blocks import affine

    class Constant(Nearest):
        def to_onnx(self):
            return affine(np.zeros((N_FEATURES, 3)), np.array([1.0, 2.0, 3.0]), "features", "margins")

    classifier = EstimatorClassifier(Constant(), N_FEATURES, 3)
    vectors, labels = blobs()
    classifier.fit(vectors, labels)
    classifier.calibration = Calibration(np.eye(3)[::-1], np.zeros(3))
    expected = np.exp([3.0, 2.0, 1.0]) / np.exp([3.0, 2.0, 1.0]).sum()
    assert onnx_probabilities(classifier, vectors) == pytest.approx(np.tile(expected, (len(vectors), 1)), abs=1e-6)


@pytest.mark.parametrize("factor", [1.0, 1e4])
def test_a_network_on_components_has_one_scale_for_all_of_them(make, factor):
    vectors, labels = blobs()
    vectors *= np.geomspace(1, 1e-3, N_FEATURES).astype(np.float32) * np.float32(factor)
    classifier = make("dense")
    classifier.fit(vectors, labels)
    scaling = classifier.network().layers[1]
    assert len(set(np.ravel(scaling.scale))) == 1
    assert np.ravel(scaling.scale)[0] == pytest.approx(1 / vectors.std(), rel=1e-3)
    assert (np.ravel(scaling.offset) == 0).all()


def test_the_network_with_its_scaling_takes_raw_features(make):
    classifier = make("dense", on_components=False)
    vectors, labels = blobs(scale=20.0)
    classifier.fit(vectors, labels)
    assert classifier.network().predict_on_batch(vectors) == pytest.approx(classifier.probabilities(vectors), abs=1e-5)


def test_a_network_that_wants_its_features_as_they_are_gets_them(plugins):
    head = replace(plugins.all(Head)["dense"], standardise=False)
    with keras_backend.session(0):
        classifier = wrap(head, build_head(head, fixed_hyperparameters({}), N_FEATURES, 3), N_FEATURES, 3, seed=0)
    vectors, labels = blobs()
    classifier.fit(vectors, labels)
    assert predict(classifier.model, vectors) == pytest.approx(classifier.probabilities(vectors), abs=1e-9)


@pytest.mark.parametrize("n", [2, 6, 33])
def test_a_network_learns_from_very_few_items(make, n):
    classifier = make("dense", n_classes=2)
    vectors, labels = blobs(n=n, n_classes=2)
    classifier.fit(vectors, labels)
    assert (classifier.probabilities(vectors).argmax(axis=1) == labels).mean() > 0.6


def test_batches_have_one_size_and_no_item_twice():
    found = batches(np.arange(100, 170), 32, np.random.default_rng(0))
    assert [len(b) for b in found] == [32, 32]
    assert len(set(np.concatenate(found))) == 64
    assert set(np.concatenate(found)) < set(range(100, 170))
    [few] = batches(np.arange(5), 32, np.random.default_rng(0))
    assert sorted(few) == [0, 1, 2, 3, 4]


def test_prediction_in_padded_batches_is_prediction_item_by_item(make):
    model = make("dense").model
    for n in (1, 31, 32, 33):
        vectors, _ = blobs(n=n, seed=2)
        assert predict(model, vectors) == pytest.approx(model(vectors, training=False).numpy(), abs=1e-6)


def test_log_loss_is_the_mean_surprise_and_finite():
    probabilities = np.array([[0.5, 0.5], [0.0, 1.0]])
    assert log_loss(np.array([0, 1]), probabilities) == pytest.approx(np.log(2) / 2)
    least = np.finfo(np.float32).eps
    assert log_loss(np.array([0, 0]), probabilities) == pytest.approx((np.log(2) - np.log(least)) / 2)


def test_renaming_a_tensor_makes_room_for_the_new_name():
    from onnx import TensorProto, helper

    def info(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2])

    nodes = [helper.make_node("Relu", ["x"], ["features"]), helper.make_node("Neg", ["features"], ["y"])]
    graph = helper.make_graph(nodes, "g", [info("x")], [info("y"), info("features")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    keep_output(rename_tensor(model, "x", "features"), "y", "probabilities")
    session = open_session(model.SerializeToString())
    assert [i.name for i in session.get_inputs()] == ["features"]
    assert [o.name for o in session.get_outputs()] == ["probabilities"]
    assert session.run(None, {"features": np.array([[1, -1]], np.float32)})[0].tolist() == [[-1, 0]]
