"""Intervals of few images: no width is promised away, and the truth lies within them as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.evidence.evaluations import evaluate
from autotl.evidence.intervals import paired_difference, score_interval, wilson
from autotl.interfaces import Evaluator, ScoreInterval
from autotl.predictions import Predictions
from autotl_plugins.evaluators import multi_label
from autotl_plugins.evaluators.classification import balanced_accuracy, macro_f1, register_evaluators, roc_auc

EVALUATORS = {evaluator.name: evaluator for evaluator in register_evaluators()}


def answers(sizes: list[int], recalls: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities with so many images of each class, and the first of them answered rightly."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    right = np.concatenate([np.arange(n) < round(r * n) for n, r in zip(sizes, recalls, strict=True)])
    probabilities = np.full((len(labels), len(sizes)), 0.1 / (len(sizes) - 1))
    probabilities[np.arange(len(labels)), np.where(right, labels, (labels + 1) % len(sizes))] = 0.9
    return labels, probabilities


def scores(labels: np.ndarray, probabilities: np.ndarray, groups: np.ndarray | None = None) -> dict[str, ScoreInterval]:
    predictions = Predictions(np.arange(len(labels)), labels, probabilities)
    names = [f"c{i}" for i in range(probabilities.shape[1])]
    return evaluate(predictions, EVALUATORS, names, groups=groups).scores


@pytest.mark.parametrize(
    ("sizes", "recalls"),
    [
        ([1, 1], [1, 1]),
        ([2, 2], [1, 1]),
        ([1, 30], [1, 1]),
        ([6, 6, 6], [1, 1, 0]),
        ([2, 2], [0, 0]),
        ([2] * 40, [1] * 40),
        ([300, 300], [1, 1]),
    ],
)
def test_no_score_has_an_interval_without_width(sizes, recalls):
    labels, probabilities = answers(sizes, recalls)
    for groups in (None, np.arange(len(labels)) // 2):
        for name, score in scores(labels, probabilities, groups).items():
            if score.is_defined and score.has_interval:
                assert score.low < score.high, name
                assert score.low <= score.value <= score.high, name
                low, high = score.ends.split(" to ")
                assert low != high, f"{name} reads {score}"


def test_perfect_answers_on_two_images_promise_no_more_than_wilson_does():
    found = scores(*answers([1, 1], [1, 1]))
    for name in ("balanced_accuracy", "macro_f1", "roc_auc"):
        assert found[name].low < 0.5, name
        assert found[name].high == 1


def test_two_perfect_images_of_a_rare_class_widen_the_mean_over_the_classes():
    labels, probabilities = answers([2, 50], [1, 0.9])
    found = score_interval(balanced_accuracy, labels, probabilities, bounds=(0, 1))
    unseen = (1 - wilson(2, 2).low) / 2  # what the rare class can take from a mean of two recalls
    assert found.low <= found.value - 0.9 * unseen


def test_groups_count_not_their_images():
    labels, probabilities = answers([20, 20], [1, 1])
    apart = score_interval(balanced_accuracy, labels, probabilities, bounds=(0, 1))
    alike = score_interval(balanced_accuracy, labels, probabilities, groups=np.arange(40) // 10, bounds=(0, 1))
    assert alike.low < apart.low


def test_a_third_party_score_without_bounds_that_is_always_the_same_gets_a_width():
    def hits(labels: np.ndarray, probabilities: np.ndarray) -> float:
        return float((probabilities.argmax(axis=1) == labels).mean())

    labels, probabilities = answers([5, 5], [1, 1])
    predictions = Predictions(np.arange(10), labels, probabilities)
    found = evaluate(predictions, {"hits": Evaluator("hits", hits)}, ["a", "b"]).scores["hits"]
    assert found.low < 0.9 < found.value == found.high


def test_a_difference_of_two_models_says_how_little_few_images_tell():
    labels, second = answers([2, 2], [1, 1])
    _, first = answers([2, 2], [1, 0])
    difference = paired_difference(balanced_accuracy, labels, first, second, bounds=(0, 1))
    assert difference.value == pytest.approx(0.5)
    assert difference.low <= 0 < difference.high
    labels, second = answers([5, 5], [1, 1])
    _, first = answers([5, 5], [1, 0])
    difference = paired_difference(balanced_accuracy, labels, first, second, bounds=(0, 1))
    assert 0 < difference.low < 0.3 < difference.high  # five of five against none of five is something


@pytest.mark.parametrize(
    ("sizes", "recalls"), [([2, 50], [0.8, 0.9]), ([6, 6, 6], [0.95, 0.9, 0.3]), ([4, 4], [0.9, 0.9])]
)
@pytest.mark.parametrize("score", [balanced_accuracy, macro_f1, roc_auc])
def test_intervals_of_small_classes_cover_the_truth_in_at_least_88_of_100_cases(score, sizes, recalls):
    def draw(rng: np.random.Generator, times: int = 1) -> tuple[np.ndarray, np.ndarray]:
        many = [n * times for n in sizes]
        k, labels = len(many), np.repeat(np.arange(len(many)), many)
        probabilities = np.sort(rng.dirichlet(np.ones(k), len(labels)), axis=1)
        right = rng.random(len(labels)) < np.repeat(recalls, many)
        most = np.where(right, labels, (labels + rng.integers(1, k, len(labels))) % k)
        rows = np.arange(len(labels))
        last, own = probabilities[:, -1].copy(), probabilities[rows, most].copy()
        probabilities[rows, most], probabilities[:, -1] = last, np.where(most == k - 1, last, own)
        return labels, probabilities

    truth = score(*draw(np.random.default_rng(1), 2000))
    found = [score_interval(score, *draw(np.random.default_rng(seed)), bounds=(0, 1)) for seed in range(60)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.88


@pytest.mark.parametrize("groups", [None, np.array([0, 0, 0, 1, 1, 1])])
def test_the_interval_of_a_log_loss_does_not_fall_below_zero(groups):
    true = np.array([0.002, 0.01, 0.02, 0.9, 0.45, 0.001])
    labels, probabilities = np.array([0, 0, 1, 1, 1, 0]), np.full((6, 2), 0.0)
    probabilities[np.arange(6), labels], probabilities[np.arange(6), 1 - labels] = true, 1 - true
    found = scores(labels, probabilities, groups)["log_loss"]
    assert 0 <= found.low < found.value < found.high


@pytest.mark.parametrize("score", ["mean_average_precision", "micro_f1", "macro_f1", "hamming"])
@pytest.mark.parametrize("groups", [None, np.arange(60) // 3])
def test_perfect_answers_of_several_labels_have_an_interval_that_narrows_with_their_number(score, groups):
    labels = np.random.default_rng(0).random((60, 4)) < 0.4
    evaluator = next(one for one in (*multi_label.register_evaluators(), *register_evaluators()) if one.name == score)
    half = labels[:30], 0.8 * labels[:30] + 0.1
    found = [
        score_interval(evaluator.score, *of, groups=own, bounds=(0, 1))
        for of, own in ((half, groups if groups is None else groups[:30]), ((labels, 0.8 * labels + 0.1), groups))
    ]
    widths = [one.high - one.low for one in found]
    assert 0 < widths[1] < widths[0] < 1
