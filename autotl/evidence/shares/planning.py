"""How many labels it takes: the intervals to expect of a sample that is not yet labelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotl.evidence.sampling import allocate, neyman_weights
from autotl.evidence.shares.post_stratified import LabelledSample, Strata, effective_part, interval_of
from autotl.evidence.shares.strata import accuracy_bins, bin_names, score_bins

NEYMAN_FROM = 100
"""Labels: with fewer, the bins are too few for a draw in strata to gain much."""
_SCORE_COUNTS_AS = 0.5
"""Labels: what the model says of a bin weighs as much where labels were given."""


@dataclass(frozen=True)
class Widths:
    """Half the width of the intervals that so many labels are expected to give.

    n_labels: all, with those there are. share: of the class whose share is known least.
    """

    n_labels: int
    share: float
    accuracy: float


def planned_strata(probabilities: np.ndarray, n: int) -> tuple[tuple[str, ...] | None, dict[str, float] | None]:
    """How a sample of n items is drawn, as `sampling.draw` takes it: the stratum of each item, and the weights.

    A simple random sample (None, None) below `NEYMAN_FROM`; from there in bins of the model's answers, each weighted by
    its size and the deviation to expect in it (Neyman 1934).
    """
    if n < NEYMAN_FROM:
        return None, None
    names = bin_names(score_bins(probabilities, n), probabilities)
    return names, neyman_weights(names, probabilities.max(axis=1))


def labels_needed(sample: LabelledSample, *, within: float, neyman: bool | None = None) -> int:
    """How many labels give every class a share within so much: all items where fewer do not.

    sample: the population with the labels there are, perhaps none. within: half the width of an interval, in (0, 1).
    neyman: whether the sample is drawn in strata; None for as `planned_strata` has it.
    """
    return _least(lambda n: expected_widths(sample, n, neyman=neyman).share <= within, sample.n_items)


def expected_widths(sample: LabelledSample, n_labels: int, *, neyman: bool | None = None) -> Widths:
    """The widths to expect of the intervals when n_labels items are labelled.

    What is not yet labelled is expected to be as the model says, and where there are labels, as they say: also of how
    much alike the items of a cluster are, which nothing says before there are any.
    """
    probabilities = sample.probabilities
    rates = _rates(probabilities, n_labels, n_labels >= NEYMAN_FROM if neyman is None else neyman)
    bins = score_bins(probabilities, n_labels)

    def half(told: np.ndarray, counted: np.ndarray, bins: np.ndarray, labelled_bins: np.ndarray) -> float:
        part = effective_part(sample, counted, labelled_bins)
        if part < 1:  # the more labels, the more of one cluster: their design effect less 1 grows in proportion
            part = 1 / (1 + n_labels / len(sample.rows) * (1 / part - 1))
        strata = _expected(sample, bins, rates, told, counted)
        one = interval_of(strata, effective_part=part, foreseen=True)
        return (one.high - one.low) / 2

    halves = [
        half(probabilities[:, number], sample.labels == number, bins, sample.bins)
        for number in range(probabilities.shape[1])
    ]
    bins = accuracy_bins(probabilities, n_labels)
    right = half(probabilities.max(axis=1), sample.right, bins, sample.accuracy_bins)
    return Widths(n_labels, max(halves), right)


def _rates(probabilities: np.ndarray, n: int, drawn_in_strata: bool) -> np.ndarray:
    """How likely each item is to be in a sample of n, float (n_items,)."""
    n_items = len(probabilities)
    n = min(n, n_items)
    if not drawn_in_strata:
        return np.full(n_items, n / n_items)
    bins = score_bins(probabilities, n)
    names = [str(one) for one in bins]
    sizes = {str(one): int(size) for one, size in enumerate(np.bincount(bins))}
    taken = allocate(sizes, n, neyman_weights(names, probabilities.max(axis=1)))
    return np.asarray(np.array([taken[name] / size for name, size in sizes.items()])[bins])


def _expected(
    sample: LabelledSample, bins: np.ndarray, rates: np.ndarray, told: np.ndarray, counted: np.ndarray
) -> Strata:
    """The strata to expect. told: float (n_items,), the probability that an item counts, as the model says.

    rates: float (n_items,), above 0, inclusion probabilities. counted: bool (n_labels,), whether the items labelled so
    far count.
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
    effective = sizes**2 / np.bincount(bins, 1 / rates, n_bins)
    return Strata(sizes, labelled, labelled * means, effective, means)


def _least(enough: Callable[[int], bool], most: int) -> int:
    """The least number for which it is enough, if it is for all above; `most` where it never is."""
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return low
