"""How many labels it takes: the intervals to expect of a sample that is not yet labelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotl.evidence.sampling import allocate, neyman_weights
from autotl.evidence.shares.post_stratified import LabelledSample, Strata, interval_of
from autotl.evidence.shares.strata import LEAST_LABELS, bin_names, score_bins
from autotl.interfaces import ScoreInterval

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

    What is not yet labelled is expected to be as the model says, and where there are labels, as they say.
    """
    probabilities = sample.probabilities
    bins = score_bins(probabilities, n_labels)
    sizes = np.bincount(bins).astype(float)
    drawn_in_strata = n_labels >= NEYMAN_FROM if neyman is None else neyman
    labelled = _labelled_by_bin(probabilities, bins, n_labels, drawn_in_strata)
    means = _expected_means(sample, bins)
    halves = [_half(interval_of(_expected(sizes, labelled, mean))) for mean in means.T]
    return Widths(n_labels, max(halves[:-1]), halves[-1])


def _expected(sizes: np.ndarray, labelled: np.ndarray, means: np.ndarray) -> Strata:
    return Strata(sizes, labelled, labelled * means, labelled, means)


def _labelled_by_bin(probabilities: np.ndarray, bins: np.ndarray, n: int, drawn_in_strata: bool) -> np.ndarray:
    sizes = np.bincount(bins).astype(float)
    n = min(n, len(bins))
    if not drawn_in_strata:
        return np.asarray(np.minimum(np.maximum(n * sizes / len(bins), min(n, LEAST_LABELS) / len(sizes)), sizes))
    names = [str(one) for one in bins]
    by_name = {str(one): int(size) for one, size in enumerate(sizes)}
    taken = allocate(by_name, n, neyman_weights(names, probabilities.max(axis=1)))
    return np.array([max(taken[str(one)], 1) for one in range(len(sizes))], dtype=float)


def _expected_means(sample: LabelledSample, bins: np.ndarray) -> np.ndarray:
    """By bin, the expected share of each class, and of right answers, float (n_bins, n_classes + 1)."""
    probabilities = sample.probabilities
    told = np.column_stack([probabilities, probabilities.max(axis=1)])
    n_bins = int(bins.max()) + 1
    sums, counts = _sums(told, bins, n_bins), np.bincount(bins, minlength=n_bins).astype(float)
    means = sums / counts[:, None]
    if not len(sample.rows):
        return np.asarray(means)
    seen = np.column_stack([np.eye(probabilities.shape[1])[sample.labels], sample.right])
    weights = np.ones(len(sample.rows)) if sample.weights is None else sample.weights
    own = bins[sample.rows]
    n_seen = np.bincount(own, minlength=n_bins).astype(float)[:, None]
    total = np.maximum(np.bincount(own, weights, n_bins), 1e-12)[:, None]
    mean_seen = _sums(seen * weights[:, None], own, n_bins) / total
    return np.asarray((mean_seen * n_seen + means * _SCORE_COUNTS_AS) / (n_seen + _SCORE_COUNTS_AS))


def _sums(values: np.ndarray, bins: np.ndarray, n_bins: int) -> np.ndarray:
    return np.stack([np.bincount(bins, column, n_bins) for column in values.T], axis=1)


def _half(interval: ScoreInterval) -> float:
    return (interval.high - interval.low) / 2


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
