"""The fast search for candidates finds what a plain search would find."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.images import candidate_pairs


@pytest.mark.parametrize("n_columns", [5, 40, 300, 1000])
@pytest.mark.parametrize("kept", [1, 4])
def test_the_largest_values_of_each_row_are_those_a_sort_finds(n_columns, kept):
    values = np.random.default_rng(n_columns).normal(size=(50, n_columns)).astype(np.float32)
    values[0] = 1  # all equal
    values[1, ::3] = 7
    found = candidate_pairs.largest(values, kept)
    assert found.shape == (50, kept)
    assert all(len(set(row)) == kept for row in found.tolist())
    largest = np.sort(values, axis=1)[:, n_columns - kept :]
    assert np.array_equal(np.sort(np.take_along_axis(values, found, axis=1), axis=1), largest)


@pytest.mark.parametrize("begin", [0, 3, 9])
def test_the_nearest_of_another_class_is_its_largest_value(begin):
    labels = np.array([-1, -1, 0, 0, 0, 0, 2, 2, 2, 5, 5, 5])
    products = np.random.default_rng(0).normal(size=(3, 12))
    own = labels[begin : begin + 3]
    plain = np.where(labels == own[:, None], -np.inf, products).argmax(1)
    assert candidate_pairs._nearest_of_other_class(products, labels, begin).tolist() == plain.tolist()


def test_with_one_class_there_is_no_image_of_another():
    assert candidate_pairs._nearest_of_other_class(np.zeros((4, 4)), np.zeros(4, int), 0).tolist() == [-1] * 4


def test_what_crops_are_nearest_to_is_what_a_plain_search_finds():
    rng = np.random.default_rng(0)
    crops = rng.normal(size=(3, 4, 8)).astype(np.float32)
    crops /= np.linalg.norm(crops, axis=2, keepdims=True)
    targets = rng.normal(size=(20, 8)).astype(np.float32)
    found = candidate_pairs._nearest_to_crops(crops, targets, targets, begin=5)
    plain = np.einsum("vij,kj->vik", crops, targets)
    plain[:, np.arange(4), np.arange(5, 9)] = -np.inf
    for row in range(4):
        mine = found.first == row + 5
        best = np.argsort(-plain[:, row].max(0))[: candidate_pairs.KEPT_PER_ITEM - 1]
        assert sorted(found.second[mine]) == sorted(best)
        assert found.box[mine].tolist() == [plain[:, row, k].argmax() + 1 for k in found.second[mine]]
