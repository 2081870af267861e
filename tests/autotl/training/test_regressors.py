"""Heads of a number."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from autotl.data.split import Split
from autotl.errors import PluginError
from autotl.interfaces import Head
from autotl.training.cross_validation import cross_validate, majority
from autotl.training.regressors import wrap_regressor


def made(n=200, seed=0):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 6)).astype(np.float32)
    return vectors, 40 + 10 * vectors[:, 0] - 5 * vectors[:, 1] + rng.normal(size=n)


def ridge():
    from sklearn.linear_model import Ridge

    return Ridge()


def forest():
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(20, random_state=0)


def dense():
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(16, "relu")(inputs)))


@pytest.mark.parametrize("build", [ridge, forest, dense])
def test_it_predicts_held_out_numbers_and_its_graph_says_the_same(build):
    vectors, numbers = made()
    one = wrap_regressor(Head("mine", build, targets=("number",)), build(), 6, seed=0)
    split = Split(fold=np.arange(200) % 3, cluster=np.arange(200))
    found = cross_validate(one, vectors, numbers, split)
    assert found.calibration is None
    errors = found.predictions.probabilities[:, 0] - found.predictions.labels
    assert (errors**2).mean() < 0.3 * numbers.var()
    session = onnxruntime.InferenceSession(one.to_onnx().SerializeToString())
    [values] = session.run(["value"], {"features": vectors})
    assert values.shape == (200, 1)
    assert np.abs(values - one.answers(vectors)).max() < 1e-3


def test_the_baseline_answers_the_mean_of_the_other_folds():
    numbers = np.array([1.0, 3.0, 10.0, 20.0])
    found = majority(numbers, Split(np.array([0, 0, 1, 1]), np.arange(4)), 1)
    assert found.probabilities.tolist() == [[15.0], [15.0], [2.0], [2.0]]


def test_a_classifier_is_no_head_of_a_number():
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(PluginError, match="'mine' built a LogisticRegression; expected a scikit-learn regressor"):
        wrap_regressor(Head("mine", ridge), LogisticRegression(), 6, seed=0)


def test_values_that_are_not_finite_are_refused():
    from sklearn.base import BaseEstimator

    class Broken(BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return np.full(len(X), np.nan)

    vectors, numbers = made()
    one = wrap_regressor(Head("mine", Broken), Broken(), 6, seed=0)
    one.fit(vectors, numbers)
    with pytest.raises(PluginError, match="200 of the head's 200 values are not finite"):
        one.answers(vectors)
