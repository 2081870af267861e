"""Average precision of several labels at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def average_precisions(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The average precision of each label, float (n_labels,); NaN if no item has it.

    labels: bool (n, n_labels), or int with -1 where it is unknown whether a label applies: such an item does not count
    for this label. probabilities: float (n, n_labels). It is scikit-learn's `average_precision_score`: the mean over
    the items that have the label of the precision among all items that are ranked as high or higher.
    """
    return _average(_rank(labels, probabilities)) if len(labels) else np.full(labels.shape[1], np.nan)


def average_precision_slopes(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The average precision of each label, float (n_labels,), and its slopes in the weights of items, (n, n_labels).

    An item of weight w counts as w items; the slopes are at a weight of 1, and their sum over the items is 0. Times n
    they are the influence function. Arguments as in `average_precisions`; every label must have an item.
    """
    ranking = _rank(labels, probabilities)
    found, applies, precision = _average(ranking), ranking.applies, ranking.precision
    # An item changes the precision at its own place and at all places after it.
    share = applies / np.maximum(ranking.n_known, 1)
    after, lost = (np.take_along_axis(_sums_from(of), ranking.starts, axis=0) for of in (share, share * precision))
    slopes = (applies * (precision - found + after) - lost) / applies.sum(axis=0)
    unsorted = np.empty(labels.shape)
    np.put_along_axis(unsorted, ranking.order, slopes * ranking.is_known, axis=0)
    return found, unsorted


@dataclass(frozen=True, eq=False)
class _Ranking:
    """Items of each label from the most probable on, all (n, n_labels).

    order: rows of the items. applies, is_known: whether they have the label, and whether that is known. precision,
    n_known: among all items that are ranked as high or higher. starts: the first place with the same probability.
    """

    order: np.ndarray
    applies: np.ndarray
    is_known: np.ndarray
    precision: np.ndarray
    n_known: np.ndarray
    starts: np.ndarray


def _rank(labels: np.ndarray, probabilities: np.ndarray) -> _Ranking:
    order = np.argsort(-probabilities, axis=0)
    ranked = np.take_along_axis(probabilities, order, axis=0)
    sorted_labels = np.take_along_axis(labels, order, axis=0)
    hits, is_known = sorted_labels > 0, sorted_labels >= 0
    # Items of equal probability share the precision of the last of them.
    differs, edge = ranked[1:] != ranked[:-1], np.ones((1, labels.shape[1]), dtype=bool)
    n, places = len(labels), np.arange(len(labels))[:, None]
    ends = np.minimum.accumulate(np.where(np.vstack([differs, edge]), places, n)[::-1], axis=0)[::-1]
    starts = np.maximum.accumulate(np.where(np.vstack([edge, differs]), places, 0), axis=0)
    n_hits, n_known = (np.take_along_axis(of.cumsum(axis=0), ends, axis=0) for of in (hits, is_known))
    return _Ranking(order, hits, is_known, n_hits / np.maximum(n_known, 1), n_known, starts)


def _average(ranking: _Ranking) -> np.ndarray:
    n_hits = ranking.applies.sum(axis=0)
    sums = (ranking.applies * ranking.precision).sum(axis=0)
    return np.asarray(np.where(n_hits > 0, sums / np.maximum(n_hits, 1), np.nan))


def _sums_from(values: np.ndarray) -> np.ndarray:
    """The sum of each place and all places after it."""
    return np.asarray(values[::-1].cumsum(axis=0)[::-1])
