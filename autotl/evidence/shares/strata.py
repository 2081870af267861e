"""Strata of a population by what the model says: bins of its answers within which items are much alike."""

from __future__ import annotations

import numpy as np

LABELS_PER_BIN = 8
"""To expect in each bin of a simple random sample; with fewer, the bins tell more of chance than of the model."""
MOST_BINS = 6
LEAST_LABELS = 2
"""Of a bin, as its variance is not known from one."""


def score_bins(probabilities: np.ndarray, n_labels: int) -> np.ndarray:
    """The bin of each item, int (n,) from 0, by the class predicted and its probability: for shares of classes.

    probabilities: float (n, n_classes); n_labels: how many items are labelled, which decides the number of bins: at
    most six, or two per class. The cuts are a compromise of bins of equal numbers and of equal sums of the deviation
    sqrt(p (1 - p)), which is best for means (Dalenius & Hodges 1959) if the model is as sure as it should be. Bins next
    to each other have numbers next to each other.
    """
    return _bins(probabilities, probabilities.argmax(axis=1), n_labels)


def confidence_bins(probabilities: np.ndarray, n_labels: int) -> np.ndarray:
    """The bin of each item, int (n,) from 0, by the probability of the class predicted, whichever: for accuracy."""
    return _bins(probabilities, np.zeros(len(probabilities), dtype=int), n_labels)


def _bins(probabilities: np.ndarray, predicted: np.ndarray, n_labels: int) -> np.ndarray:
    n, n_kinds = len(probabilities), int(predicted.max(initial=0)) + 1
    if not n:
        return np.zeros(0, dtype=int)
    top = probabilities.max(axis=1)
    # Every other class is in the opposite order: of two classes this is the order of the probability of the second.
    order = np.lexsort((np.where(predicted % 2, top, -top), predicted))
    deviation = np.sqrt(np.clip(top * (1 - top), 0, None))
    measure = np.full(n, 0.5 / n) + 0.5 * deviation / max(float(deviation.sum()), 1e-12)
    n_bins = int(np.clip(n_labels // LABELS_PER_BIN, 1, max(MOST_BINS, 2 * n_kinds)))
    least = int(np.ceil(LABELS_PER_BIN * n / max(n_labels, 1)))
    kept, last = [], 0
    for cut in _cuts(predicted[order], measure[order], n_bins):
        if cut - last >= least and n - cut >= least:
            kept.append(cut)
            last = cut
    bins = np.empty(n, dtype=int)
    bins[order] = np.searchsorted(kept, np.arange(n), side="right")
    return bins


def _cuts(predicted: np.ndarray, measure: np.ndarray, n_bins: int) -> list[int]:
    """Where the bins begin: at every predicted class, and within it at equal parts of the measure."""
    starts = np.flatnonzero(np.diff(predicted)) + 1
    cuts: set[int] = set(starts.tolist())
    for first, end in zip([0, *starts], [*starts, len(predicted)], strict=True):
        total = np.cumsum(measure[first:end])
        n_own = max(1, round(n_bins * float(total[-1] / measure.sum())))
        inner = np.searchsorted(total, total[-1] * np.arange(1, n_own) / n_own)
        cuts |= set((first + inner).tolist())
    return sorted(cuts - {0})


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
