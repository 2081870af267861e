"""Some images of many groups, for measurements that all images would make too slow."""

from __future__ import annotations

import numpy as np
import pandas as pd

_FEWEST_OF_A_GROUP = 8
"""Images of a group are left out before whole groups are, but not below so many: one is known by the others."""
_FEWEST_GROUPS = 4
"""Of each class."""


def sample_groups(numbers: np.ndarray, labels: np.ndarray, n_items: int) -> np.ndarray:
    """Sample about n_items items, in proportion to the classes and from as many groups as possible.

    numbers, labels: int (n,), the group and the class of each item. Returns their positions, int, sorted; all of them
    if there are at most n_items.
    """
    if len(numbers) <= n_items:
        return np.arange(len(numbers))
    rng = np.random.default_rng(0)
    turn = rng.permutation(len(numbers))
    place = np.empty(len(numbers), dtype=int)
    place[turn] = pd.Series(numbers[turn]).groupby(numbers[turn]).cumcount()
    sizes = np.unique(numbers, return_counts=True)[1]
    caps = np.arange(_FEWEST_OF_A_GROUP, max(_FEWEST_OF_A_GROUP, sizes.max()) + 1)
    most = next((cap for cap in caps[::-1] if np.minimum(sizes, cap).sum() <= n_items), _FEWEST_OF_A_GROUP)
    kept = np.flatnonzero(place < most)
    return np.asarray(kept[_whole_groups(numbers[kept], labels[kept], n_items, rng)])


def _whole_groups(numbers: np.ndarray, labels: np.ndarray, n_items: int, rng: np.random.Generator) -> np.ndarray:
    """Whether each item is in one of the groups that are taken, bool (n,)."""
    home = np.full(numbers.max() + 1, -1)
    home[numbers] = labels  # a group of several classes counts for one of them
    sizes = np.bincount(numbers)
    turn = rng.permutation(np.flatnonzero(home >= 0))
    taken = np.zeros(len(home), dtype=bool)
    for label in np.unique(labels):
        mine = turn[home[turn] == label]
        quota = (labels == label).sum() * n_items / len(numbers)
        before = np.cumsum(sizes[mine]) - sizes[mine]
        taken[mine[(before < quota) | (np.arange(len(mine)) < _FEWEST_GROUPS)]] = True
    return np.asarray(taken[numbers])
