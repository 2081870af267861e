"""The evaluators of several labels against scikit-learn's functions, with unknown labels, and at the edges."""

import math

import numpy as np
import pytest
from sklearn import metrics

from autotl.evidence.average_precision import average_precisions
from autotl.interfaces import Proportion
from autotl.testing.evaluators import check_evaluator
from autotl_plugins.evaluators import classification, multi_label

EVALUATORS = {evaluator.name: evaluator for evaluator in multi_label.register_evaluators()}
EVALUATORS |= {e.name: e for e in classification.register_evaluators() if "labels" in e.targets}
CASES = [(2, None), (6, None), (6, 3)]
"""Number of labels, and the label that no item has."""


def random_data(n_labels: int, absent: int | None, *, n: int = 400, decimals: int | None = None):
    rng = np.random.default_rng(n_labels)
    labels = rng.random((n, n_labels)) < rng.uniform(0.05, 0.5, n_labels)
    if absent is not None:
        labels[:, absent] = False
    probabilities = np.clip(0.7 * rng.random((n, n_labels)) + 0.3 * labels, 0, 1)
    return labels, probabilities if decimals is None else probabilities.round(decimals)


def expected(name: str, labels: np.ndarray, probabilities: np.ndarray) -> float:
    predicted = probabilities >= 0.5
    if name == "mean_average_precision":
        present = labels.any(axis=0)
        return metrics.average_precision_score(labels[:, present], probabilities[:, present], average="macro")
    if name == "exact_match":
        return metrics.accuracy_score(labels, predicted)
    if name == "hamming":
        return metrics.hamming_loss(labels, predicted)
    return metrics.f1_score(labels, predicted, average=name.removesuffix("_f1"), zero_division=np.nan)


def value(found: float | Proportion) -> float:
    return found.value if isinstance(found, Proportion) else found


@pytest.mark.parametrize("name", EVALUATORS)
@pytest.mark.parametrize(("n_labels", "absent"), CASES)
@pytest.mark.parametrize("decimals", [None, 1], ids=["no ties", "ties"])
def test_it_is_scikit_learns(name, n_labels, absent, decimals):
    labels, probabilities = random_data(n_labels, absent, decimals=decimals)
    found = value(EVALUATORS[name].score(labels, probabilities))
    assert found == pytest.approx(expected(name, labels, probabilities), abs=1e-12)


@pytest.mark.parametrize("decimals", [None, 1], ids=["no ties", "ties"])
def test_where_labels_are_unknown_each_average_precision_is_that_of_the_items_for_which_they_are_known(decimals):
    labels, probabilities = random_data(5, None, decimals=decimals)
    known = np.random.default_rng(1).random(labels.shape) < 0.6
    found = average_precisions(np.where(known, labels, -1), probabilities)
    for label in range(5):
        rows = known[:, label]
        alone = metrics.average_precision_score(labels[rows, label], probabilities[rows, label])
        assert found[label] == pytest.approx(alone, abs=1e-12)


def test_a_label_that_all_items_have_does_not_raise_the_mean_average_precision():
    labels, probabilities = random_data(3, None)
    labels = np.column_stack([labels, np.ones(len(labels), dtype=bool)])
    score = EVALUATORS["mean_average_precision"].score
    several = np.column_stack([probabilities, probabilities[:, 0]])
    assert score(labels, several) == score(labels[:, :3], probabilities) < 1
    known = np.where(labels, 1, -1).astype(np.int8)
    assert math.isnan(score(known, several))  # items without a label are not known


@pytest.mark.parametrize("name", ["micro_f1", "hamming"])
def test_unknown_labels_are_not_counted(name):
    labels, probabilities = random_data(5, None)
    known = np.random.default_rng(1).random(labels.shape) < 0.6
    found = EVALUATORS[name].score(np.where(known, labels, -1).astype(np.int8), probabilities)
    one_column = labels[known][:, None], probabilities[known][:, None]
    assert found == pytest.approx(value(EVALUATORS[name].score(*one_column)), abs=1e-12)


def test_an_exact_match_asks_for_known_labels_only_and_leaves_out_items_without_any():
    labels = np.array([[1, -1], [0, -1], [-1, -1], [1, 0]])
    probabilities = np.array([[0.9, 0.9], [0.9, 0.1], [0.9, 0.9], [0.6, 0.4]])
    assert EVALUATORS["exact_match"].score(labels, probabilities) == Proportion(2, 3)


@pytest.mark.parametrize("name", sorted(set(EVALUATORS) - {"hamming", "exact_match"}))
def test_scores_without_a_single_positive_are_undefined_rather_than_0(name):
    assert math.isnan(EVALUATORS[name].score(np.zeros((5, 2), dtype=bool), np.full((5, 2), 0.1)))


@pytest.mark.parametrize("name", EVALUATORS)
def test_without_items_it_is_undefined(name):
    found = EVALUATORS[name].score(np.zeros((0, 2), dtype=bool), np.zeros((0, 2)))
    assert math.isnan(value(found))


@pytest.mark.parametrize("name", EVALUATORS)
def test_it_keeps_the_contract(name):
    check_evaluator(EVALUATORS[name])
