"""The most alike pictures are found as a plain search would find them, only faster."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.images import similarity


@pytest.mark.parametrize("n_columns", [5, 40, 300, 1000])
@pytest.mark.parametrize("kept", [1, 4])
def test_the_largest_values_of_each_row_are_those_a_sort_finds(n_columns, kept):
    values = np.random.default_rng(n_columns).normal(size=(50, n_columns)).astype(np.float32)
    values[0] = 1  # all alike
    values[1, ::3] = 7
    found = similarity._largest(values, kept)
    assert found.shape == (50, kept)
    assert all(len(set(row)) == kept for row in found.tolist())
    largest = np.sort(values, axis=1)[:, n_columns - kept :]
    assert np.array_equal(np.sort(np.take_along_axis(values, found, axis=1), axis=1), largest)


@pytest.mark.parametrize("begin", [0, 3, 9])
def test_the_best_stranger_is_the_largest_value_of_another_class(begin):
    labels = np.array([-1, -1, 0, 0, 0, 0, 2, 2, 2, 5, 5, 5])
    products = np.random.default_rng(0).normal(size=(3, 12))
    own = labels[begin : begin + 3]
    plain = np.where(labels == own[:, None], -np.inf, products).argmax(1)
    assert similarity._strangers(products, labels, begin).tolist() == plain.tolist()


def test_where_there_is_one_class_there_are_no_strangers():
    assert similarity._strangers(np.zeros((4, 4)), np.zeros(4, int), 0).tolist() == [-1] * 4
