"""How many near-duplicate pairs a random split would have divided, and how many this one does."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.checks.leakage import Leaks, count_leaks
from autotl.data.split import split


def pairs_of_two(n_items):
    """0 with 1, 2 with 3, and so on."""
    return [(i, i + 1, 0.9) for i in range(0, n_items, 2)]


def test_without_near_duplicates_nothing_can_leak(toy_dataset):
    dataset = toy_dataset(["cat", "dog"] * 20)
    leaks = count_leaks(dataset, split(dataset, seed=0), seed=0)
    assert leaks == Leaks(pairs=0, at_random=0.0, here=0, left_out=0)
    assert leaks.sentence() == "no near-duplicates were found"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_random_split_divides_a_third_of_many_pairs_and_ours_none(toy_dataset, seed):
    dataset = toy_dataset(["cat"] * 200 + ["dog"] * 200, pairs_of_two(400))
    leaks = count_leaks(dataset, split(dataset, seed=seed), seed=seed)
    assert (leaks.pairs, leaks.here, leaks.left_out) == (200, 0, 0)
    # One of the two is in a test split of a fifth: 2 * 0.2 * 0.8.
    assert leaks.at_random == pytest.approx(0.32 * 200, rel=0.1)
    assert "of 200 near-duplicate pairs, a random split would have put" in leaks.sentence()
    assert leaks.sentence().endswith("this one has 0")


def test_pairs_of_one_cluster_are_all_counted_and_none_is_divided(toy_dataset):
    pairs = [(i, j, 0.95) for i in range(6) for j in range(i + 1, 6)]
    dataset = toy_dataset(["cat"] * 30 + ["dog"] * 30, pairs)
    leaks = count_leaks(dataset, split(dataset, seed=0), seed=0)
    assert (leaks.pairs, leaks.here) == (15, 0)
    assert leaks.at_random > 0


def test_pairs_of_a_chain_that_had_to_be_cut_are_counted(toy_dataset):
    chain = [(i, i + 1, 0.55) for i in range(399)]
    dataset = toy_dataset(["cat", "dog"] * 200, chain)
    found = split(dataset, seed=0)
    leaks = count_leaks(dataset, found, seed=0)
    tested = set(found.test.tolist())
    assert leaks.here == sum((a in tested) != (b in tested) for a, b, _ in chain) > 0
    assert leaks.here < leaks.at_random / 10


def test_items_left_out_of_a_given_split_leak_nothing_and_are_counted(toy_dataset):
    given = ["train"] * 60 + ["validation"] * 20 + ["test"] * 20
    dataset = toy_dataset(["cat", "dog"] * 50, [(0, 80, 0.7), (1, 60, 0.7), (2, 3, 0.9)], given_split=given)
    leaks = count_leaks(dataset, split(dataset, seed=0), seed=0)
    assert (leaks.pairs, leaks.here, leaks.left_out) == (3, 0, 2)


def test_the_same_seed_draws_the_same(toy_dataset):
    dataset = toy_dataset(["cat", "dog"] * 40, pairs_of_two(80))
    found = split(dataset, seed=0)
    drawn = [count_leaks(dataset, found, seed=seed).at_random for seed in (0, 0, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


@pytest.mark.parametrize("n_classes", [2, 7, 30])
def test_leaks_are_counted_with_few_items_per_class(toy_dataset, n_classes):
    labels = [f"class {i}" for i in range(n_classes) for _ in range(4)]
    dataset = toy_dataset(labels, [(0, 1, 0.9)])
    leaks = count_leaks(dataset, split(dataset, seed=0), seed=0)
    assert (leaks.pairs, leaks.here) == (1, 0)
    assert 0 <= leaks.at_random <= 1


def test_pairs_are_counted_and_not_items(toy_dataset):
    star = [(0, i, 0.9) for i in range(1, 40)]
    dataset = toy_dataset(["cat"] * 100 + ["dog"] * 100, star)
    found = split(dataset, seed=0)
    leaks = count_leaks(dataset, found, seed=0)
    assert (leaks.pairs, leaks.here) == (39, 0)
    assert len(np.unique(found.fold[:40])) == 1
    assert 1 < leaks.at_random < 30
