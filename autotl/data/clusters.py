"""Clusters: items that must stay on one side of every split, because they are copies, near-duplicates or one group."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd

from autotl.data.dataset import Dataset
from autotl.modality import CERTAIN, no_pairs
from autotl.targets import strata

LONG_CHAIN, CHAIN_FRACTION = 50, 0.25
"""Pairs below `CERTAIN` join at most 50 items, or a quarter of all, into one cluster: where all images are similar,
such pairs would otherwise chain the whole dataset together, and it could not be split."""


def find_clusters(dataset: Dataset, *, apart: Collection[int] = ()) -> np.ndarray:
    """The cluster number of each item, int (n_items,): the same for copies, near-duplicates and members of one group.

    apart: classes whose images are joined by certain pairs only. Pairs from `CERTAIN` are always joined, the others in
        order of their similarity unless that would join two groups, or chain too many items together.
    """
    from scipy.cluster.hierarchy import DisjointSet

    items, pairs = dataset.items, dataset.pairs.sort_values("similarity", ascending=False, kind="stable")
    if apart:
        set_apart = np.isin(strata(dataset.labels), list(apart))
        touched = set_apart[pairs["first"]] | set_apart[pairs["second"]]
        pairs = pairs[(pairs["similarity"] >= CERTAIN) | ~touched]
    longest = max(LONG_CHAIN, CHAIN_FRACTION * len(items))
    sets = DisjointSet(range(len(items)))
    for name in ("sha256", "group"):
        first: dict[str, int] = {}
        for i, key in enumerate(items[name]):
            if key:
                sets.merge(first.setdefault(key, i), i)
    certain = pairs["similarity"] >= CERTAIN
    for a, b in pairs.loc[certain, ["first", "second"]].to_numpy():
        sets.merge(a, b)
    # Two groups are not joined because some of their images look alike.
    grouped = {sets[i] for i in np.flatnonzero(items["group"] != "")}
    for a, b in pairs.loc[~certain, ["first", "second"]].to_numpy():
        both_grouped = sets[a] in grouped and sets[b] in grouped
        if not both_grouped and sets.subset_size(a) + sets.subset_size(b) <= longest:
            either_grouped = sets[a] in grouped or sets[b] in grouped
            sets.merge(a, b)
            if either_grouped:
                grouped.add(sets[a])
    roots = np.array([sets[i] for i in range(len(items))], dtype=int)
    return np.asarray(np.unique(roots, return_inverse=True)[1])


def group_clusters(dataset: Dataset, group: np.ndarray) -> np.ndarray:
    """As `find_clusters`, of these groups and of copies of the same bytes only. group: text (n_items,), or empty."""
    return find_clusters(replace(dataset, table=dataset.items.assign(group=group), pairs=no_pairs()))


def latest_side(dataset: Dataset, side: np.ndarray) -> np.ndarray:
    """The latest side of a split that a copy, a near-duplicate or a member of the group of each item is on.

    side: int (n_items,): 0 train, 1 validation, 2 test; returns the same, at least the item's own side.
    """
    latest = side.copy()
    for name in ("sha256", "group"):
        keys = dataset.items[name]
        of_group = pd.Series(side).groupby(keys.to_numpy()).transform("max").to_numpy()
        latest = np.where(keys != "", np.maximum(latest, of_group), latest)
    first, second = _within_or_certain(dataset)
    np.maximum.at(latest, first, side[second])
    np.maximum.at(latest, second, side[first])
    return np.asarray(latest)


def _within_or_certain(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Both members of each pair that may join two groups, or that does not."""
    group, pairs = dataset.items["group"].to_numpy(dtype=str), dataset.pairs
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    across = (group[first] != "") & (group[second] != "") & (group[first] != group[second])
    joined = ~across | (pairs["similarity"].to_numpy() >= CERTAIN)
    return first[joined], second[joined]
