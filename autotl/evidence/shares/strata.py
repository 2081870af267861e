"""Strata of a population: bins of the model's predictions, within which items are similar."""

from __future__ import annotations

import numpy as np

LABELS_PER_BIN = 8
"""The expected number of labels per bin in a simple random sample; with fewer, bins mostly reflect chance."""
LABELS_PER_CLASS = 4
"""The same for bins that differ in the predicted class, which is more informative than its probability."""
LABELS_FOR_CLASSES = 16
"""The number of labels per bin if the bins for accuracy depend on the predicted class."""
MOST_BINS = 6
LEAST_LABELS = 2
"""The fewest labels per bin: the variance of a bin cannot be estimated from one label."""


def score_bins(probabilities: np.ndarray, n_labels: int) -> np.ndarray:
    """The bin of each item for class shares, by the predicted class and its probability; int (n,) from 0.

    probabilities: float (n, n_classes); n_labels: number of labelled items, which determines the number of bins: at
    most about six, or two per class. Within a predicted class, the cuts are a compromise between bins with equal
    numbers of items and bins with equal sums of the standard deviation sqrt(p (1 - p)). The latter are optimal for
    means (Dalenius & Hodges 1959) if the model is calibrated. Adjacent bins have consecutive numbers.
    """
    return _bins(probabilities, probabilities.argmax(axis=1), n_labels)


def accuracy_bins(probabilities: np.ndarray, n_labels: int) -> np.ndarray:
    """The bin of each item for accuracy, int (n,) from 0.

    The predicted class is used if there are enough labels for every class. With fewer labels, the probability alone is
    more informative.
    """
    n, n_classes = probabilities.shape
    if n_labels >= 2 * n_classes * LABELS_FOR_CLASSES:
        return score_bins(probabilities, n_labels)
    return _bins(probabilities, np.zeros(n, dtype=int), n_labels)


def _bins(probabilities: np.ndarray, predicted: np.ndarray, n_labels: int) -> np.ndarray:
    n, n_kinds = len(probabilities), int(predicted.max(initial=0)) + 1
    if not n:
        return np.zeros(0, dtype=int)
    top = probabilities.max(axis=1)
    # Every second class is sorted in reverse: with two classes, the order is that of the second class's probability.
    order = np.lexsort((np.where(predicted % 2, top, -top), predicted))
    deviation = np.sqrt(np.clip(top * (1 - top), 0, None))
    measure = (np.full(n, 0.5 / n) + 0.5 * deviation / max(float(deviation.sum()), 1e-12))[order]
    per_label = n / max(n_labels, 1)
    most = max(MOST_BINS, 2 * n_kinds)
    starts = [0, *_kept((np.flatnonzero(np.diff(predicted[order])) + 1).tolist(), n, LABELS_PER_CLASS * per_label)]
    cuts: list[int] = []
    for first, end in zip(starts, [*starts[1:], n], strict=True):
        total = np.cumsum(measure[first:end])
        n_own = max(1, min(round(most * float(total[-1])), int((end - first) / (LABELS_PER_BIN * per_label))))
        inner = np.searchsorted(total, total[-1] * np.arange(1, n_own) / n_own).tolist()
        cuts += [first] * (first > 0) + [first + cut for cut in _kept(inner, end - first, LABELS_PER_BIN * per_label)]
    bins = np.empty(n, dtype=int)
    bins[order] = np.searchsorted(cuts, np.arange(n), side="right")
    return bins


def _kept(cuts: list[int], n: int, least: float) -> list[int]:
    """The cuts with at least `least` items on both sides, chosen from left to right."""
    kept, last = [], 0
    for cut in cuts:
        if cut - last >= least and n - cut >= least:
            kept.append(cut)
            last = cut
    return kept


def merged(bins: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Merge bins with fewer than two labels into an adjacent bin; int (n,) from 0.

    rows: int (n_labels,), the items with a label.
    """
    counts = np.bincount(bins[rows], minlength=int(bins.max(initial=0)) + 1)
    number, labelled, numbers = 0, 0, []
    for count in counts.tolist():
        if labelled >= LEAST_LABELS:
            number, labelled = number + 1, 0
        labelled += count
        numbers.append(number)
    if labelled < LEAST_LABELS and number:  # the last bin has too few labels
        numbers = [min(one, number - 1) for one in numbers]
    return np.asarray(np.array(numbers, dtype=int)[bins])


def bin_names(bins: np.ndarray, probabilities: np.ndarray) -> tuple[str, ...]:
    """A name for the bin of each item, with the range of the model's confidence."""
    top = probabilities.max(axis=1)
    names = {
        int(one): f"{one + 1}: confidence {top[bins == one].min():.3f} to {top[bins == one].max():.3f}"
        for one in np.unique(bins)
    }
    return tuple(names[int(one)] for one in bins)
