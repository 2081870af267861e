"""How many labels are needed: the interval widths to expect before a sample is labelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotl.evidence.sampling import allocate, neyman_weights
from autotl.evidence.shares.post_stratified import LabelledSample, Strata, effective_part, interval_of
from autotl.evidence.shares.strata import accuracy_bins, bin_names, score_bins

NEYMAN_FROM = 100
"""Number of labels: with fewer, there are too few bins for stratified sampling to help much."""
_SCORE_COUNTS_AS = 0.5
"""The model's expectation for a bin has the weight of this many labels once the bin has labels."""


@dataclass(frozen=True)
class Widths:
    """Half the width of the intervals to expect from a number of labels.

    n_labels: total number of labels, including those already given. share: half-width of the class whose share is least
    precise; accuracy: half-width of the accuracy.
    """

    n_labels: int
    share: float
    accuracy: float


def planned_strata(probabilities: np.ndarray, n: int) -> tuple[tuple[str, ...] | None, dict[str, float] | None]:
    """The sampling design for n items, as arguments of `sampling.draw`: the stratum of each item, and the weights.

    Below `NEYMAN_FROM`, a simple random sample (None, None). Otherwise a sample stratified by the bins for accuracy,
    each weighted by its size and its expected standard deviation (Neyman 1934). With few labels per class, these are
    bins of confidence alone, which tells where the model errs: accuracy and shares both need most labels there.
    """
    if n < NEYMAN_FROM:
        return None, None
    names = bin_names(accuracy_bins(probabilities, n), probabilities)
    return names, neyman_weights(names, probabilities.max(axis=1))


def labels_needed(sample: LabelledSample, *, within: float, neyman: bool | None = None) -> int:
    """The number of labels for which the share of every class is known to within a half-width; at most all items.

    sample: the population with the labels given so far, possibly none. within: half the width of the interval, in
    (0, 1). neyman: whether the sample is stratified; None for the design of `planned_strata`.
    """
    return _least(lambda n: expected_widths(sample, n, neyman=neyman).share <= within, sample.n_items)


def expected_widths(sample: LabelledSample, n_labels: int, *, neyman: bool | None = None) -> Widths:
    """The interval widths to expect when n_labels items are labelled.

    The expectation follows the model's probabilities, corrected by the labels given so far. The design effect of
    clusters is also estimated from these labels; without labels it is assumed to be 1.
    """
    probabilities = sample.probabilities
    rates, drawn = _rates(probabilities, n_labels, n_labels >= NEYMAN_FROM if neyman is None else neyman)
    bins = score_bins(probabilities, n_labels)

    def half(told: np.ndarray, counted: np.ndarray, bins: np.ndarray, labelled_bins: np.ndarray) -> float:
        part = effective_part(sample, counted, labelled_bins)
        if part < 1:  # more labels mean more of each cluster: the design effect minus 1 grows in proportion
            part = 1 / (1 + n_labels / len(sample.rows) * (1 / part - 1))
        strata = _expected(sample, bins, rates, drawn, told, counted)
        one = interval_of(strata, effective_part=part, foreseen=True)
        return (one.high - one.low) / 2

    halves = [
        half(probabilities[:, number], sample.labels == number, bins, sample.bins)
        for number in range(probabilities.shape[1])
    ]
    bins = accuracy_bins(probabilities, n_labels)
    right = half(probabilities.max(axis=1), sample.right, bins, sample.accuracy_bins)
    return Widths(n_labels, max(halves), right)


def _rates(probabilities: np.ndarray, n: int, drawn_in_strata: bool) -> tuple[np.ndarray, np.ndarray]:
    """The inclusion probability of each item in a sample of n, and the stratum that it is drawn from; (n_items,)."""
    n_items = len(probabilities)
    n = min(n, n_items)
    if not drawn_in_strata:
        return np.full(n_items, n / n_items), np.zeros(n_items, dtype=int)
    bins = accuracy_bins(probabilities, n)
    names = [str(one) for one in bins]
    sizes = {str(one): int(size) for one, size in enumerate(np.bincount(bins))}
    taken = allocate(sizes, n, neyman_weights(names, probabilities.max(axis=1)))
    return np.array([taken[name] / size for name, size in sizes.items()])[bins], bins


def _expected(
    sample: LabelledSample,
    bins: np.ndarray,
    rates: np.ndarray,
    drawn: np.ndarray,
    told: np.ndarray,
    counted: np.ndarray,
) -> Strata:
    """The expected strata. told: float (n_items,), the model's probability that an item counts.

    rates: float (n_items,), above 0, inclusion probabilities; drawn: int (n_items,), strata of the draw. counted: bool
    (n_labels,), whether each item labelled so far counts.
    """
    n_bins = int(bins.max()) + 1
    sizes = np.bincount(bins, minlength=n_bins).astype(float)
    means = np.bincount(bins, told, n_bins) / sizes
    if len(sample.rows):
        own = bins[sample.rows]
        weights = np.ones(len(own)) if sample.weights is None else sample.weights
        n_seen = np.bincount(own, minlength=n_bins)
        seen = np.bincount(own, weights * counted, n_bins) / np.maximum(np.bincount(own, weights, n_bins), 1e-12)
        means = (seen * n_seen + means * _SCORE_COUNTS_AS) / (n_seen + _SCORE_COUNTS_AS)
    labelled = np.bincount(bins, rates, n_bins)
    squares = np.bincount(bins, 1 / rates, n_bins)
    # Relative to the variance of all items, the squared residuals are those that the model expects at these weights.
    told_means = (np.bincount(bins, told, n_bins) / sizes)[bins]
    expected = told * (1 - told) + (told - told_means) ** 2
    plain = np.bincount(bins, expected, n_bins) / sizes
    relative = np.bincount(bins, expected / rates, n_bins) / squares / np.maximum(plain, 1e-12)
    spreads = means * (1 - means) * np.where(plain > 0, relative, 1)
    effective = sizes**2 / squares / (1 + _chance(bins, rates, drawn))
    return Strata(sizes, labelled, labelled * means, sizes, effective, means, spreads)


def _chance(bins: np.ndarray, rates: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The relative variance of the sum of weights in each bin, float (n_bins,); 0 for the strata of the draw.

    The variance of a mean grows by this part if the number of labels in a bin is left to chance (Cochran 1977, section
    5A.9).
    """
    n_bins = int(bins.max()) + 1
    cells = drawn * n_bins + bins
    outside = 1 - np.bincount(cells)[cells] / np.bincount(drawn)[drawn]
    return np.asarray(np.bincount(bins, (1 / rates - 1) * outside, n_bins) / np.bincount(bins) ** 2)


def _least(enough: Callable[[int], bool], most: int) -> int:
    """The least number that is enough, by bisection; `most` if none is. enough: true for all larger numbers too."""
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return low
