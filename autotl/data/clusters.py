"""Clusters: items that must stay on one side of every split, because they are copies, near-duplicates or one group."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from autotl.data.dataset import Dataset
from autotl.images.near_duplicates import CERTAIN

LONG_CHAIN, CHAIN_FRACTION = 50, 0.25
"""Pairs below `CERTAIN` join at most 50 items, or a quarter of all, into one cluster: where all images are similar,
such pairs would otherwise chain the whole dataset together, and it could not be split."""


def find_clusters(dataset: Dataset, *, apart: Collection[int] = ()) -> np.ndarray:
    """The cluster number of each item, int (n_items,): the same for copies, near-duplicates and members of one group.

    apart: classes whose images are joined by certain pairs only. Pairs from `CERTAIN` are always joined, the others in
        order of their similarity unless that would chain too many items together.
    """
    from scipy.cluster.hierarchy import DisjointSet

    items, pairs = dataset.items, dataset.pairs.sort_values("similarity", ascending=False, kind="stable")
    if apart:
        set_apart = np.isin(dataset.labels, list(apart))
        touched = set_apart[pairs["first"]] | set_apart[pairs["second"]]
        pairs = pairs[(pairs["similarity"] >= CERTAIN) | ~touched]
    longest = max(LONG_CHAIN, CHAIN_FRACTION * len(items))
    sets = DisjointSet(range(len(items)))
    for name in ("sha256", "group"):
        first: dict[str, int] = {}
        for i, key in enumerate(items[name]):
            if key:
                sets.merge(first.setdefault(key, i), i)
    for a, b, similarity in zip(pairs["first"], pairs["second"], pairs["similarity"], strict=True):
        if similarity >= CERTAIN or sets.subset_size(a) + sets.subset_size(b) <= longest:
            sets.merge(a, b)
    roots = np.array([sets[i] for i in range(len(items))], dtype=int)
    return np.asarray(np.unique(roots, return_inverse=True)[1])


def latest_side(dataset: Dataset, side: np.ndarray) -> np.ndarray:
    """The latest side of a split that a copy, a near-duplicate or a member of the group of each item is on.

    side: int (n_items,): 0 train, 1 validation, 2 test; returns the same, at least the item's own side.
    """
    latest = side.copy()
    for name in ("sha256", "group"):
        keys = dataset.items[name]
        of_group = pd.Series(side).groupby(keys.to_numpy()).transform("max").to_numpy()
        latest = np.where(keys != "", np.maximum(latest, of_group), latest)
    first, second = dataset.pairs["first"].to_numpy(), dataset.pairs["second"].to_numpy()
    np.maximum.at(latest, first, side[second])
    np.maximum.at(latest, second, side[first])
    return np.asarray(latest)
