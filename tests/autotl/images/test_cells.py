"""Cells hold every item once, similar ones together, and none is much larger than the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from autotl.images import cells
from autotl.images.cells import make_cells
from autotl.images.whitening import unit


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def vectors(n, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(n, 16)).astype(np.float32))


@pytest.mark.parametrize("n", [1, 7, 399, 5000])
def test_every_item_is_in_one_cell(pool, n):
    found = make_cells(vectors(n), pool)
    assert sorted(found.items.tolist()) == list(range(n))
    assert (found.starts[0], found.starts[-1]) == (0, n)
    assert len(found.centres) == len(found.starts) - 1
    assert (np.diff(found.starts) > 0).all()


def test_the_items_of_a_cell_are_nearer_to_its_centre_than_others(pool):
    some = vectors(4000)
    found = make_cells(some, pool)
    products = some @ found.centres.T
    cell = np.repeat(np.arange(len(found.centres)), np.diff(found.starts))
    own = products[found.items, cell]
    assert own.mean() > products.mean() + 1.5 * products.std()


def test_a_vector_that_hardly_differs_from_an_item_is_mostly_looked_for_in_its_cell(pool):
    some = vectors(4000)
    found = make_cells(some, pool)
    cell_of = np.empty(4000, int)
    cell_of[found.items] = np.repeat(np.arange(len(found.centres)), np.diff(found.starts))
    near = found.nearest(unit(some + 0.05 * vectors(4000, seed=1)), 2)
    assert (near == cell_of[:, None]).any(axis=1).mean() > 0.97


def test_equal_vectors_do_not_make_one_huge_cell(pool):
    some = vectors(5000)
    some[:4000] = some[0]
    assert np.diff(make_cells(some, pool).starts).max() <= cells._LARGEST_CELL


def test_the_same_vectors_give_the_same_cells(pool):
    first, second = make_cells(vectors(3000), pool), make_cells(vectors(3000), pool)
    assert np.array_equal(first.items, second.items)
    assert np.array_equal(first.starts, second.starts)
