"""The shares of the learning curve: nested, with every class, and whole groups as far as possible."""

import numpy as np

from autotl.search.learning_curve import _share_of


def test_smaller_shares_lie_within_larger_ones_and_hold_every_class():
    labels = np.array([0] * 40 + [1] * 8 + [2] * 3)
    train, alone = np.arange(51), np.arange(51)
    quarter, half = (_share_of(train, labels, alone, share, seed=0) for share in (0.25, 0.5))
    assert set(quarter) <= set(half)
    assert np.bincount(labels[quarter]).tolist() == [10, 2, 2]
    assert np.bincount(labels[half]).tolist() == [20, 4, 2]


def test_groups_are_taken_whole_as_far_as_possible():
    labels, groups = np.zeros(60, dtype=int), np.arange(60) // 6
    half = _share_of(np.arange(60), labels, groups, 0.5, seed=0)
    assert len(np.unique(groups[half])) == 5
