"""Design effects: groups that are alike count once, items that only share a group's name count each."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.evidence.design_effects import effective_sizes
from autotl.evidence.intervals import paired_difference, score_interval
from autotl_plugins.evaluators.classification import balanced_accuracy

BOUNDS = (0.0, 1.0)


def sizes_of_one_stratum(hits: np.ndarray, groups: np.ndarray) -> float:
    """The effective number of items of a share of hits."""
    n, deviations = len(hits), hits - hits.mean()
    parts, totals = np.bincount(groups), np.bincount(groups, deviations) / n
    return float(effective_sizes([parts], [totals], np.array([n]), np.array([hits.var() / n]))[0])


def answers(right: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Probabilities of two classes that are right where `right` says so."""
    return np.eye(2)[np.where(right, labels, 1 - labels)] * 0.8 + 0.1


def test_groups_that_are_wholly_alike_count_as_one_item_each():
    groups = np.arange(200) // 5
    assert sizes_of_one_stratum(groups % 4 > 0, groups) == pytest.approx(40)


def test_items_that_have_nothing_to_do_with_their_groups_count_nearly_each():
    rng = np.random.default_rng(0)
    assert sizes_of_one_stratum(rng.random(1000) < 0.7, np.arange(1000) // 5) > 850


def test_one_wrong_answer_does_not_show_that_groups_are_not_alike():
    assert sizes_of_one_stratum(np.arange(120) > 0, np.arange(120) // 6) < 60


def test_a_sample_without_a_wrong_answer_counts_its_groups():
    assert sizes_of_one_stratum(np.ones(60), np.arange(60) // 6) == pytest.approx(10)


def test_a_single_group_counts_as_one_item():
    assert sizes_of_one_stratum(np.arange(6) > 1, np.zeros(6, dtype=int)) == pytest.approx(1)


def test_the_only_group_of_a_class_may_have_been_a_bad_one():
    labels = np.repeat([0, 1], [36, 6])
    right = np.r_[np.arange(36) != 7, np.arange(6) > 2]
    found = score_interval(balanced_accuracy, labels, answers(right, labels), groups=np.arange(42) // 6, bounds=BOUNDS)
    assert found.low < 0.6 < found.value < 0.95 < found.high


def test_models_that_differ_by_single_images_are_not_taken_to_differ_by_whole_groups():
    labels = np.repeat([0, 1], 90)
    rng = np.random.default_rng(1)
    first, second = (answers(rng.random(180) < 0.9, labels) for _ in range(2))
    alone = paired_difference(balanced_accuracy, labels, first, second, bounds=BOUNDS)
    grouped = paired_difference(balanced_accuracy, labels, first, second, groups=np.arange(180) // 6, bounds=BOUNDS)
    assert alone.high - alone.low < grouped.high - grouped.low < 1.5 * (alone.high - alone.low)
