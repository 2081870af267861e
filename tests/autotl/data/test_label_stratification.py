"""Folds of items with several labels: groups stay whole, shares are held, and what is not held is explained."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

from autotl.data.label_stratification import TOLERANCE, shortfalls, stratify


def label_table(n: int, n_labels: int, n_groups: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of 2 to 50 % of the items, alike within groups."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, n_groups, n) if n_groups < n else np.arange(n)
    labels = 0.8 * rng.normal(size=(n, n_labels))[groups] + 0.6 * rng.normal(size=(n, n_labels))
    return labels < np.linspace(-2, 0, n_labels), groups


def most_off(labels: np.ndarray, folds: np.ndarray) -> float:
    return max(float(np.abs(labels[folds == k].mean(axis=0) - labels.mean(axis=0)).max()) for k in np.unique(folds))


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 60), n_labels=st.integers(1, 6), n_groups=st.integers(2, 60), n_folds=st.integers(2, 6),
    seed=st.integers(0, 10_000),
)  # fmt: skip
def test_groups_stay_whole_no_fold_is_empty_and_the_same_seed_gives_the_same_folds(
    n, n_labels, n_groups, n_folds, seed
):
    rng = np.random.default_rng(seed)
    labels, groups = rng.random((n, n_labels)) < rng.random(n_labels), 7 * rng.integers(0, n_groups, n) - 3
    if len(np.unique(groups)) < n_folds:
        with pytest.raises(ValueError, match=f"groups for {n_folds} folds"):
            stratify(labels, groups, n_folds, seed)
        return
    folds = stratify(labels, groups, n_folds, seed)
    assert all(len(set(folds[groups == group])) == 1 for group in groups)
    assert set(folds) == set(range(n_folds))
    assert np.array_equal(folds, stratify(labels, groups, n_folds, seed))
    everywhere = all((labels[folds == k].any(axis=0) == labels.any(axis=0)).all() for k in range(n_folds))
    held = everywhere and most_off(labels, folds) <= TOLERANCE + 1e-9
    assert held == (shortfalls(labels, groups, folds) == [])


@pytest.mark.parametrize(("n", "n_groups"), [(1000, 1000), (1000, 700), (2000, 300)])
@pytest.mark.parametrize("seed", range(3))
def test_every_share_is_held_within_2_points_and_folds_are_alike_in_size(n, n_groups, seed):
    labels, groups = label_table(n, 10, n_groups, seed)
    folds = stratify(labels, groups, 5, seed)
    assert most_off(labels, folds) <= TOLERANCE
    assert np.bincount(folds).max() < 1.15 * np.bincount(folds).min()
    assert shortfalls(labels, groups, folds) == []


@pytest.mark.parametrize("seed", range(5))
def test_without_groups_shares_are_held_as_well_as_by_the_usual_library(seed):
    labels, groups = label_table(400, 8, 400, seed)
    theirs = np.zeros(400, dtype=int)
    splitter = MultilabelStratifiedKFold(n_splits=5, shuffle=True, random_state=seed)
    for k, (_, held_out) in enumerate(splitter.split(labels, labels)):
        theirs[held_out] = k
    assert most_off(labels, stratify(labels, groups, 5, seed)) <= most_off(labels, theirs) + 0.0026


def test_a_rare_label_is_in_every_fold_where_it_has_a_group_for_each():
    labels = np.zeros((500, 2), dtype=bool)
    labels[:5, 0], labels[:250, 1] = True, True
    folds = stratify(labels, np.arange(500), 5, 0)
    assert sorted(folds[:5]) == [0, 1, 2, 3, 4]


def test_where_it_is_unknown_whether_a_label_applies_the_known_answers_are_spread_out():
    rng = np.random.default_rng(0)
    labels, known = rng.random((600, 1)) < 0.3, np.zeros((600, 1), dtype=bool)
    known[:100] = True
    folds = stratify(labels, np.arange(600), 5, 0, known=known)
    assert set(np.bincount(folds[:100])) == {20}
    assert np.bincount(folds[:100][labels[:100, 0]]).max() - np.bincount(folds[:100][labels[:100, 0]]).min() <= 1


@pytest.mark.parametrize(
    ("groups_of_label", "n", "reason"),
    [
        ([0] * 30 + [1] * 30, 600, "its 60 items are in 2 groups, fewer than the 5 parts"),
        ([0] * 80 + [1, 2, 3, 4], 600, "one group has 80 of its 84 items, more than a fold's share"),
        ([0, 1, 2, 3, 4, 5, 6], 60, r"a fold has 12 items for which it is known, so that one item is 8 points"),
    ],
)
def test_a_label_that_is_not_held_is_named_with_the_reason(groups_of_label, n, reason):
    labels = np.zeros((n, 2), dtype=bool)
    labels[: len(groups_of_label), 0] = True
    labels[::2, 1] = True
    groups = np.r_[groups_of_label, 100 + np.arange(n - len(groups_of_label))]
    folds = stratify(labels, groups, 5, 0)
    found = shortfalls(labels, groups, folds)
    assert [one.label for one in found] == [0]
    assert found[0].reason == reason
    share = labels[folds == found[0].fold, 0].mean()
    assert found[0].share == pytest.approx(share)
    assert found[0].overall == pytest.approx(labels[:, 0].mean())


def test_items_in_no_fold_are_not_counted():
    labels, groups = label_table(1000, 4, 1000, 0)
    folds = stratify(labels, groups, 5, 0)
    folds[labels[:, 3] & (folds == 1)] = -2
    assert (3, 1, 0) in [(one.label, one.fold, one.share) for one in shortfalls(labels, groups, folds)]
    assert shortfalls(labels[folds < 0], groups[folds < 0], folds[folds < 0]) == []


def test_twenty_thousand_items_with_twenty_labels_take_less_than_two_seconds():
    import time

    labels, groups = label_table(20_000, 20, 12_000, 0)
    began = time.process_time()
    stratify(labels, groups, 3, 0)
    assert time.process_time() - began < 2
