"""Strata of a population by what the model says: bins of its answers within which items are much alike."""

from __future__ import annotations

import numpy as np

LABELS_PER_BIN = 8
"""To expect in each bin of a simple random sample; with fewer, the bins tell more of chance than of the model."""
LABELS_PER_CLASS = 4
"""The same where another class is predicted, which tells more than another probability."""
LABELS_FOR_CLASSES = 16
"""In a bin, where accuracy is looked at by class."""
MOST_BINS = 6
LEAST_LABELS = 2
"""Of a bin, as its variance is not known from one."""


def score_bins(probabilities: np.ndarray, n_labels: int) -> np.ndarray:
    """The bin of each item, int (n,) from 0, by the class predicted and its probability: for shares of classes.

    probabilities: float (n, n_classes); n_labels: how many items are labelled, which decides the number of bins: about
    six, or two per class, at most. Within a predicted class, the cuts are a compromise of bins of equal numbers and of
    equal sums of the deviation sqrt(p (1 - p)), which is best for means (Dalenius & Hodges 1959) if the model is as
    sure as it should be. Bins next to each other have numbers next to each other.
    """
    return _bins(probabilities, probabilities.argmax(axis=1), n_labels)


def accuracy_bins(probabilities: np.ndarray, n_labels: int) -> np.ndarray:
    """The bin of each item for accuracy, int (n,) from 0.

    The class predicted counts where there are labels enough for every class; with fewer, its probability tells more.
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
    # Every other class is in the opposite order: of two classes this is the order of the probability of the second.
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
    """The cuts that leave at least so many items on both sides, from the first on."""
    kept, last = [], 0
    for cut in cuts:
        if cut - last >= least and n - cut >= least:
            kept.append(cut)
            last = cut
    return kept


def merged(bins: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The bins, those with fewer than two labels joined to the one before, or the first to the next; int (n,) from 0.

    rows: int (n_labels,), the items with a label.
    """
    counts = np.bincount(bins[rows], minlength=int(bins.max(initial=0)) + 1)
    number, labelled, numbers = 0, 0, []
    for count in counts.tolist():
        if labelled >= LEAST_LABELS:
            number, labelled = number + 1, 0
        labelled += count
        numbers.append(number)
    if labelled < LEAST_LABELS and number:  # what is left at the end has too few
        numbers = [min(one, number - 1) for one in numbers]
    return np.asarray(np.array(numbers, dtype=int)[bins])


def bin_names(bins: np.ndarray, probabilities: np.ndarray) -> tuple[str, ...]:
    """A name for the bin of each item that says the range of the model's confidence."""
    top = probabilities.max(axis=1)
    names = {
        int(one): f"{one + 1}: confidence {top[bins == one].min():.3f} to {top[bins == one].max():.3f}"
        for one in np.unique(bins)
    }
    return tuple(names[int(one)] for one in bins)
