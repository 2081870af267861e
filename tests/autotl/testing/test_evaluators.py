"""The conformance check of evaluators passes a sound one and fails on the defect planted in it."""

from __future__ import annotations

import time

import numpy as np
import pytest
from made_plugins import accuracy, brier

from autotl.interfaces import Evaluator, Proportion
from autotl.testing.evaluators import check_evaluator

# Keras gives NumPy a variable whose __array__ is of the time before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def recall(labels, probabilities):
    hits = probabilities.argmax(axis=1) == labels
    classes = range(probabilities.shape[1])
    return [Proportion(int(hits[labels == c].sum()), int((labels == c).sum())) for c in classes]


@pytest.mark.parametrize(
    "evaluator",
    [Evaluator("accuracy", accuracy), Evaluator("recall", recall), Evaluator("brier", brier, larger_is_better=False)],
    ids=lambda evaluator: evaluator.name,
)
def test_a_sound_evaluator_passes(evaluator):
    check_evaluator(evaluator)


def sorting(labels, probabilities):
    labels.sort()
    return brier(labels, probabilities)


def infinite(labels, probabilities):
    with np.errstate(divide="ignore"):
        return float(np.log(probabilities).mean())


def needs_every_class(labels, probabilities):
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    return -brier(labels, probabilities) if counts.all() else float("nan")


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (brier, "larger_is_better=True promises larger for perfect"),
        (lambda labels, probabilities: 0.5, "0.5 for perfect and 0.5 for random"),
        (sorting, "raised ValueError: .*read-only"),
        (infinite, "the value is -inf for 2 classes"),
        (needs_every_class, "class 3 absent from the labels: the value is nan"),
        (lambda labels, probabilities: "high", "'high'; expected a float, a Proportion, or one Proportion per class"),
        (lambda labels, probabilities: recall(labels, probabilities)[:1], r"one Proportion per class \(2\)"),
        (lambda labels, probabilities: Proportion(3, 2), "0 <= successes <= trials"),
        (lambda labels, probabilities: time.sleep(0.06) or accuracy(labels, probabilities), "below 50 ms"),
        (lambda labels: 1.0, "raised TypeError"),
    ],
)
def test_an_evaluator_with_a_defect_fails(score, message):
    with pytest.raises(AssertionError, match=f"evaluator 'unsound'.*{message}"):
        check_evaluator(Evaluator("unsound", score))


def count_of_labels(labels, probabilities):
    return float(-np.abs((labels > 0).sum() - probabilities.sum()))


def root(numbers, values):
    return float(np.sqrt(((values - numbers) ** 2).mean()))


def test_a_sound_evaluator_of_numbers_passes():
    check_evaluator(Evaluator("root", root, larger_is_better=False, targets=("number",)))


@pytest.mark.parametrize(
    ("score", "targets", "message"),
    [
        (root, ("number",), "larger_is_better=True promises larger for perfect"),
        (accuracy, ("labels",), "score for 2 classes raised"),
        (count_of_labels, ("labels",), r"depending on the probabilities of labels that are unknown \(-1\)"),
        (accuracy, ("several",), r"targets are \('several',\); expected a tuple of some of classes, ordered, labels"),
        (accuracy, (), r"targets are \(\); expected a tuple"),
        (accuracy, "classes", "targets are 'classes'; expected a tuple"),
    ],
)
def test_an_evaluator_of_other_targets_with_a_defect_fails(score, targets, message):
    with pytest.raises(AssertionError, match=f"evaluator 'unsound'.*{message}"):
        check_evaluator(Evaluator("unsound", score, targets=targets))
