"""The evaluators of ordered classes against scikit-learn's functions, and at the edges."""

import math

import numpy as np
import pytest
from sklearn import metrics

from autotl.testing.evaluators import check_evaluator
from autotl_plugins.evaluators import ordinal

EVALUATORS = {evaluator.name: evaluator for evaluator in ordinal.register_evaluators()}


def random_data(n_classes: int, absent: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n_classes)
    labels = rng.choice([label for label in range(n_classes) if label != absent], 400)
    probabilities = rng.dirichlet(np.ones(n_classes), 400) + 0.4 * np.eye(n_classes)[labels]
    return labels, probabilities / probabilities.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("n_classes", "absent"), [(2, None), (5, None), (5, 3)])
def test_the_kappa_is_scikit_learns(n_classes, absent):
    labels, probabilities = random_data(n_classes, absent)
    expected = metrics.cohen_kappa_score(labels, probabilities.argmax(axis=1), weights="quadratic")
    assert EVALUATORS["quadratic_kappa"].score(labels, probabilities) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n_classes", "absent"), [(2, None), (5, None), (5, 3)])
def test_the_mean_distance_is_scikit_learns(n_classes, absent):
    labels, probabilities = random_data(n_classes, absent)
    expected = metrics.mean_absolute_error(labels, probabilities.argmax(axis=1))
    assert EVALUATORS["ordinal_mae"].score(labels, probabilities) == pytest.approx(expected)


def test_a_mistake_by_two_classes_costs_more_than_two_by_one():
    labels = np.arange(5).repeat(10)
    far, near = labels.copy(), labels.copy()
    far[:2] = [2, 2]
    near[:2], near[10:12] = 1, 2
    far, near = (EVALUATORS["quadratic_kappa"].score(labels, np.eye(5)[predicted]) for predicted in (far, near))
    assert far < near


def test_a_kappa_of_one_class_only_is_undefined():
    assert math.isnan(EVALUATORS["quadratic_kappa"].score(np.zeros(5, dtype=int), np.eye(3)[np.zeros(5, dtype=int)]))


@pytest.mark.parametrize("name", EVALUATORS)
def test_without_items_it_is_undefined(name):
    assert math.isnan(EVALUATORS[name].score(np.zeros(0, dtype=int), np.zeros((0, 3))))


@pytest.mark.parametrize("name", EVALUATORS)
def test_it_keeps_the_contract(name):
    check_evaluator(EVALUATORS[name])
