"""The evaluators against scikit-learn's functions, and at the edges."""

import math

import numpy as np
import pytest
from sklearn import metrics

from autotl.interfaces import Proportion
from autotl.testing.evaluators import check_evaluator
from autotl_plugins.evaluators import classification

EVALUATORS = {evaluator.name: evaluator for evaluator in classification.register_evaluators()}
CASES = [(2, None), (5, None), (5, 3)]
"""Number of classes, and the class that has no labels."""


def random_data(n_classes: int, absent: int | None, *, n: int = 400, decimals: int | None = None):
    rng = np.random.default_rng(n_classes)
    labels = rng.choice([label for label in range(n_classes) if label != absent], n)
    probabilities = rng.dirichlet(np.ones(n_classes), n) + 0.4 * np.eye(n_classes)[labels]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return labels, probabilities if decimals is None else probabilities.round(decimals)


@pytest.mark.parametrize(("n_classes", "absent"), CASES)
def test_accuracy_is_scikit_learns(n_classes, absent):
    labels, probabilities = random_data(n_classes, absent)
    found = EVALUATORS["accuracy"].score(labels, probabilities)
    assert found.trials == 400
    assert found.successes / 400 == metrics.accuracy_score(labels, probabilities.argmax(axis=1))


# scikit-learn says so where a class is predicted that has no labels: the case at hand.
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true:UserWarning")
@pytest.mark.parametrize(("n_classes", "absent"), CASES)
def test_balanced_accuracy_is_scikit_learns(n_classes, absent):
    labels, probabilities = random_data(n_classes, absent)
    expected = metrics.balanced_accuracy_score(labels, probabilities.argmax(axis=1))
    assert EVALUATORS["balanced_accuracy"].score(labels, probabilities) == pytest.approx(expected)


@pytest.mark.parametrize(("n_classes", "absent"), CASES)
@pytest.mark.parametrize("n", [400, 6])
def test_macro_f1_is_scikit_learns(n_classes, absent, n):
    labels, probabilities = random_data(n_classes, absent, n=n)
    expected = metrics.f1_score(labels, probabilities.argmax(axis=1), average="macro", zero_division=0)
    assert EVALUATORS["macro_f1"].score(labels, probabilities) == pytest.approx(expected)


@pytest.mark.parametrize(("n_classes", "absent"), CASES)
@pytest.mark.parametrize("certain", [False, True])
def test_log_loss_is_scikit_learns(n_classes, absent, certain):
    labels, probabilities = random_data(n_classes, absent)
    if certain:  # and often wrong: scikit-learn clips float32 at the same value
        probabilities = np.eye(n_classes, dtype=np.float32)[probabilities.argmax(axis=1)]
    expected = metrics.log_loss(labels, probabilities, labels=range(n_classes))
    assert EVALUATORS["log_loss"].score(labels, probabilities) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n_classes", "absent"), CASES)
@pytest.mark.parametrize("decimals", [None, 1], ids=["no ties", "ties"])
def test_roc_auc_is_scikit_learns(n_classes, absent, decimals):
    labels, probabilities = random_data(n_classes, absent, decimals=decimals)
    expected = np.mean([metrics.roc_auc_score(labels == label, probabilities[:, label]) for label in np.unique(labels)])
    assert EVALUATORS["roc_auc"].score(labels, probabilities) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n_classes", "absent"), CASES)
@pytest.mark.parametrize("name", ["recall", "precision"])
def test_recall_and_precision_are_scikit_learns(name, n_classes, absent):
    labels, probabilities = random_data(n_classes, absent)
    found = EVALUATORS[name].score(labels, probabilities)
    function = metrics.recall_score if name == "recall" else metrics.precision_score
    expected = function(labels, probabilities.argmax(axis=1), labels=range(n_classes), average=None, zero_division=0)
    assert [p.successes / max(1, p.trials) for p in found] == pytest.approx(list(expected))
    if absent is not None and name == "recall":
        assert found[absent] == Proportion(0, 0)


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1", "log_loss", "roc_auc"])
def test_no_items_give_nan_without_a_warning(name):
    assert math.isnan(EVALUATORS[name].score(np.zeros(0, dtype=int), np.zeros((0, 3))))


def test_roc_auc_is_undefined_where_one_class_has_all_labels():
    assert math.isnan(EVALUATORS["roc_auc"].score(np.ones(5, dtype=int), np.full((5, 3), 1 / 3)))


def test_equal_scores_give_an_roc_auc_of_one_half():
    assert EVALUATORS["roc_auc"].score(np.array([0, 1, 1, 0]), np.full((4, 2), 0.5)) == 0.5


@pytest.mark.parametrize("name", EVALUATORS)
def test_evaluators_conform(name):
    check_evaluator(EVALUATORS[name])
