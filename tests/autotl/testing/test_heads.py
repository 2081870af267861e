"""The conformance check of heads passes a sound one and fails on the defect planted in it."""

from __future__ import annotations

import numpy as np
import pytest
from made_plugins import guessing, logistic

from autotl.interfaces import Head
from autotl.testing.heads import check_head

# Keras gives NumPy a variable whose __array__ is of the time before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def network(hp, n_features, n_classes, *, outputs=0, activation="softmax", compiled=False):
    import keras

    inputs = keras.Input((n_features,))
    hidden = keras.layers.Dense(hp.Int("units", 8, 16), "relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(outputs or n_classes, activation)(hidden))
    if compiled:
        model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def halved(hp, n_features, n_classes):
    from sklearn.linear_model import LogisticRegression

    class Halved(LogisticRegression):
        def predict_proba(self, X):
            return super().predict_proba(X) / 2

    return Halved()


def reversed_classes(hp, n_features, n_classes):
    from sklearn.linear_model import LogisticRegression

    class Reversed(LogisticRegression):
        def fit(self, X, y):
            super().fit(X, y)
            self.classes_ = self.classes_[::-1]
            return self

    return Reversed()


def without_graph(hp, n_features, n_classes):
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.neighbors import NearestCentroid

    class Own(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.inner_, self.classes_ = NearestCentroid().fit(X, y), np.unique(y)
            return self

        def predict_proba(self, X):
            return np.eye(len(self.classes_))[self.inner_.predict(X)]

    return Own()


def margins(hp, n_features, n_classes):
    from sklearn.base import BaseEstimator, ClassifierMixin

    from autotl.graphs.blocks import affine

    class Nearest(ClassifierMixin, BaseEstimator):
        """The log-density of equal balls around the centres, which is affine up to what all classes share."""

        def fit(self, X, y):
            self.classes_ = np.unique(y)
            self.weights_ = np.stack([X[y == label].mean(axis=0) for label in self.classes_], axis=1)
            self.offset_ = -0.5 * (self.weights_**2).sum(axis=0)
            return self

        def decision_function(self, X):
            return X @ self.weights_ + self.offset_

        def to_onnx(self):
            return affine(self.weights_, self.offset_, "features", "margins")

    return Nearest()


def margins_without_graph(hp, n_features, n_classes):
    from sklearn.svm import LinearSVC

    return LinearSVC(random_state=0)


def margins_with_another_graph(hp, n_features, n_classes):
    from autotl.graphs.blocks import affine

    built = margins(hp, n_features, n_classes)
    type(built).to_onnx = lambda self: affine(-self.weights_, self.offset_, "features", "margins")
    return built


def unseeded(hp, n_features, n_classes):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=5)


def default_outside(hp, n_features, n_classes):
    hp.Float("C", 0.1, 1.0, default=5.0)
    return logistic(hp, n_features, n_classes)


def a_number(hp, n_features, n_classes):
    return 3


@pytest.mark.parametrize("build", [logistic, network, margins])
def test_a_sound_head_passes(build):
    check_head(Head("sound", build), n_trials=1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda *_: 1 / 0, "build with the defaults of its search space raised ZeroDivisionError"),
        (a_number, "built a int; expected a scikit-learn classifier"),
        (default_outside, r"'C' is 5\.0; expected a number from 0\.1 to 1\.0"),
        (halved, r"for 3 classes: .*probabilities are negative or sum to 0.5"),
        (reversed_classes, r"classes_ are .*2.*; expected 0 to 2"),
        (without_graph, r"conversion to ONNX, which the deployable needs, raised ExportError"),
        (margins_without_graph, r"LinearSVC gives margins but brings no graph; add a method to_onnx\(\)"),
        (margins_with_another_graph, "the ONNX graph's probabilities differ by"),
        (guessing, r"accuracy 0\.33 .* chance is 0\.33"),
        (unseeded, r"fitted twice it predicts differently; .*random_state"),
        (lambda *a: network(*a, activation="sigmoid"), "rows of probabilities must"),
        (lambda *a: network(*a, outputs=7), r"the model goes from \(None, 16\) to \(None, 7\)"),
    ],
)
def test_a_head_with_a_defect_fails(build, message):
    with pytest.raises(AssertionError, match=f"head 'unsound'.*{message}"):
        check_head(Head("unsound", build))


def test_a_name_that_is_no_slug_fails():
    with pytest.raises(AssertionError, match="head 'My Head': expected a name of lowercase letters"):
        check_head(Head("My Head", logistic))


def test_a_compiled_network_is_accepted_as_the_search_accepts_it():
    check_head(Head("compiled", lambda *a: network(*a, compiled=True)), n_trials=0)


def ridge(hp, n_features, n_outputs):
    from sklearn.linear_model import Ridge

    return Ridge(alpha=hp.Float("alpha", 0.1, 1.0))


def value_network(hp, n_features, n_outputs, *, outputs=1):
    import keras

    inputs = keras.Input((n_features,))
    hidden = keras.layers.Dense(hp.Int("units", 32, 64), "relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(outputs)(hidden))


def unseeded_forest(hp, n_features, n_outputs):
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=5)


def always_the_mean(hp, n_features, n_outputs):
    from sklearn.dummy import DummyRegressor

    return DummyRegressor()


def another_graph(hp, n_features, n_outputs):
    from sklearn.linear_model import Ridge

    from autotl.graphs.blocks import affine

    class Other(Ridge):
        def to_onnx(self):
            return affine(-self.coef_[:, None], np.array([self.intercept_]), "features", "value")

    return Other()


@pytest.mark.parametrize("build", [ridge, value_network])
def test_a_sound_head_of_numbers_passes(build):
    check_head(Head("sound", build, targets=("number",)), n_trials=1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda *_: 1 / 0, "build with the defaults of its search space raised ZeroDivisionError"),
        (logistic, "expected a scikit-learn regressor with fit and predict"),
        (unseeded_forest, r"fitted twice it predicts differently; .*random_state"),
        (always_the_mean, r"R² is 0\.00 on its own easy training data; the mean has 0"),
        (another_graph, "the ONNX graph's values differ by"),
        (lambda *a: value_network(*a, outputs=3), r"the model goes from \(None, 16\) to \(None, 3\)"),
    ],
)
def test_a_head_of_numbers_with_a_defect_fails(build, message):
    with pytest.raises(AssertionError, match=f"head 'unsound'.*{message}"):
        check_head(Head("unsound", build, targets=("number",)))


def test_a_head_of_an_unknown_kind_of_target_fails():
    with pytest.raises(AssertionError, match=r"targets are \('ages',\); expected a tuple of some of classes"):
        check_head(Head("unsound", logistic, targets=("ages",)))
