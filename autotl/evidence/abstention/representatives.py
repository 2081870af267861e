"""Selects one item per cluster and class, so that calibration items are independent."""

from __future__ import annotations

import numpy as np


def representatives(labels: np.ndarray, clusters: np.ndarray | None, *, seed: int) -> np.ndarray:
    """The row numbers of one item per cluster and class, in ascending order; of all items if clusters is None.

    labels, clusters: int (n,). Items of the same cluster are not exchangeable with those of others. One item drawn at
    random from each cluster is exchangeable with one drawn from a new cluster (subsampling once: Dunn, Wasserman &
    Ramdas 2022, Distribution-free prediction sets for two-layer hierarchical models).
    """
    if clusters is None:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    pairs = np.stack([labels[order], clusters[order]], axis=1)
    return np.sort(order[np.unique(pairs, axis=0, return_index=True)[1]])
