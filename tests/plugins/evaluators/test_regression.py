"""The evaluators of numbers against scikit-learn's functions, and at the edges."""

import math

import numpy as np
import pytest
from sklearn import metrics

from autotl.testing.evaluators import check_evaluator
from autotl_plugins.evaluators import regression

EVALUATORS = {evaluator.name: evaluator for evaluator in regression.register_evaluators()}
THEIRS = {
    "r2": metrics.r2_score,
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
}


@pytest.mark.parametrize("name", EVALUATORS)
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (1e-3, 0), (10, 1e6)])
def test_it_is_scikit_learns(name, shape, scale, offset):
    rng = np.random.default_rng(0)
    numbers = offset + scale * rng.normal(size=300)
    values = numbers + 0.5 * scale * rng.normal(size=300)
    found = EVALUATORS[name].score(numbers, values.reshape(shape))
    assert found == pytest.approx(THEIRS[name](numbers, values), rel=1e-9)


def test_r2_of_equal_numbers_or_of_one_is_undefined():
    assert math.isnan(EVALUATORS["r2"].score(np.full(5, 3.0), np.arange(5.0)))
    assert math.isnan(EVALUATORS["r2"].score(np.array([3.0]), np.array([[3.0]])))


@pytest.mark.parametrize("name", EVALUATORS)
def test_without_items_it_is_undefined(name):
    assert math.isnan(EVALUATORS[name].score(np.zeros(0), np.zeros((0, 1))))


@pytest.mark.parametrize("name", EVALUATORS)
def test_it_keeps_the_contract(name):
    check_evaluator(EVALUATORS[name])
