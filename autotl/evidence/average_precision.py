"""Average precision of several labels at once."""

from __future__ import annotations

import numpy as np


def average_precisions(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The average precision of each label, float (n_labels,); NaN if no item has it.

    labels: bool (n, n_labels), or int with -1 where it is unknown whether a label applies: such an item does not count
    for this label. probabilities: float (n, n_labels). It is scikit-learn's `average_precision_score`: the mean over
    the items that have the label of the precision among all items that are ranked as high or higher.
    """
    n = len(labels)
    if not n:
        return np.full(labels.shape[1], np.nan)
    order = np.argsort(-probabilities, axis=0)
    ranked = np.take_along_axis(probabilities, order, axis=0)
    sorted_labels = np.take_along_axis(labels, order, axis=0)
    hits = sorted_labels > 0
    # Items of equal probability share the precision of the last of them.
    last_of_its_tie = np.vstack([ranked[1:] != ranked[:-1], np.ones((1, labels.shape[1]), dtype=bool)])
    ends = np.where(last_of_its_tie, np.arange(n)[:, None], n)
    ends = np.minimum.accumulate(ends[::-1], axis=0)[::-1]
    n_hits, n_known = hits.cumsum(axis=0), (sorted_labels >= 0).cumsum(axis=0)
    precision = np.take_along_axis(n_hits / np.maximum(n_known, 1), ends, axis=0)
    found = n_hits[-1]
    return np.where(found > 0, (hits * precision).sum(axis=0) / np.maximum(found, 1), np.nan)
