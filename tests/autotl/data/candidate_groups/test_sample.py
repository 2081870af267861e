"""A sample of a dataset with groups holds many groups, and each class in proportion."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.data.candidate_groups.sample import sample_groups


def test_no_more_items_than_asked_for_are_all_taken():
    assert sample_groups(np.zeros(5, int), np.zeros(5, int), 5).tolist() == [0, 1, 2, 3, 4]


def test_large_groups_are_thinned_before_any_is_left_out():
    numbers = np.arange(10_000) // 250
    chosen = sample_groups(numbers, numbers % 2, 1000)
    assert len(chosen) == 1000
    assert np.bincount(numbers[chosen]).tolist() == [25] * 40


@pytest.mark.parametrize("n_each", [1, 7])
def test_small_groups_are_taken_whole_each_class_in_proportion(n_each):
    numbers = np.arange(7000) // n_each
    labels = (numbers % 10 == 0).astype(int)
    chosen = sample_groups(numbers, labels, 1000)
    assert len(chosen) == pytest.approx(1000, abs=2 * n_each)
    assert labels[chosen].mean() == pytest.approx(0.1, abs=0.02)
    assert set(np.unique(numbers[chosen], return_counts=True)[1]) == {n_each}


def test_a_rare_class_keeps_four_groups():
    numbers = np.arange(8000) // 4
    chosen = sample_groups(numbers, (numbers >= 1990).astype(int), 200)
    assert len(np.unique(numbers[chosen][numbers[chosen] >= 1990])) == 4
