"""Shares of a finite population from a labelled sample, post-stratified by the model's predictions.

Within a bin of similar predictions, the labelled items represent the others, so the labels only need to supply what the
model does not know (Holt & Smith 1979, "Post stratification"). The interval is that of a Beta posterior with Jeffreys'
prior and the effective number of labels, as for surveys (Korn & Graubard 1998; Franco et al. 2019). A separate
posterior per bin would add half a label to each bin, which would dominate the few labels of a rare class. The variance
of a bin whose labels have unequal weights is that of the weighted residuals (Sarndal, Swensson & Wretman 1992). The
labelled items are known exactly; only the rest of the population is uncertain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from autotl.evidence.design_effects import effective_share
from autotl.evidence.shares.strata import accuracy_bins, merged, score_bins
from autotl.interfaces import UNDEFINED, ScoreInterval

FEW_LABELS = 10
"""With fewer labels, the interval is reported with a warning."""


@dataclass(frozen=True, eq=False)
class LabelledSample:
    """A population with the model's probabilities, and the labels of some of its items.

    probabilities: float (n_items, n_classes). rows: int (n,), unique row numbers of the labelled items; labels: int
    (n,), their classes. weights: float (n,), above 0, inverse inclusion probabilities; None for equal weights.
    clusters: (n_items,), any values, equal for items that are alike, such as the images of a person; None if there are
    no clusters.
    """

    probabilities: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None = None
    clusters: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not len(self.rows) == len(self.labels) == len(np.unique(self.rows)):
            raise ValueError(f"{len(self.rows)} rows and {len(self.labels)} labels; expected one label per item")
        if self.weights is not None and not (self.weights > 0).all():
            raise ValueError("a weight is not above 0; weights are inverse inclusion probabilities")

    @property
    def n_items(self) -> int:
        """Number of items of the population."""
        return len(self.probabilities)

    @cached_property
    def bins(self) -> np.ndarray:
        """The stratum of each item for class shares, int (n_items,); at least two labels each, or a single stratum."""
        return merged(score_bins(self.probabilities, len(self.rows)), self.rows)

    @cached_property
    def accuracy_bins(self) -> np.ndarray:
        """The stratum of each item for accuracy, int (n_items,)."""
        return merged(accuracy_bins(self.probabilities, len(self.rows)), self.rows)

    @cached_property
    def right(self) -> np.ndarray:
        """Whether the model's answer equals the label, bool (n,)."""
        return np.asarray(self.probabilities[self.rows].argmax(axis=1) == self.labels)

    def restrict(self, items: np.ndarray) -> LabelledSample:
        """The subset of the population in which items, bool (n_items,), is true."""
        number, own = np.cumsum(items) - 1, items[self.rows]
        return LabelledSample(
            self.probabilities[items], number[self.rows[own]], self.labels[own],
            None if self.weights is None else self.weights[own],
            None if self.clusters is None else self.clusters[items],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Strata:
    """The counts of each stratum, float (n_strata,).

    sizes: number of items; labelled: number of labels; counted: number of labelled items that count towards the share;
    total: sum of the weights; effective: effective number of labels, given their weights; means: weighted share of the
    labels that count; spreads: mean squared residual from it, by squared weight.
    """

    sizes: np.ndarray
    labelled: np.ndarray
    counted: np.ndarray
    total: np.ndarray
    effective: np.ndarray
    means: np.ndarray
    spreads: np.ndarray

    @property
    def relative_rates(self) -> np.ndarray:
        """The sampling rate of each stratum, by its weights, relative to that of all strata; 1 if weights are equal."""
        return np.asarray(self.labelled / self.total * (self.total.sum() / self.labelled.sum()))


def class_shares(sample: LabelledSample, level: float = 0.95) -> tuple[ScoreInterval, ...]:
    """The share of each class among all items; the values sum to 1."""
    n_classes = sample.probabilities.shape[1]
    return tuple(_share(sample, sample.labels == number, "class", level) for number in range(n_classes))


def accuracy(sample: LabelledSample, level: float = 0.95) -> ScoreInterval:
    """The share of all items for which the model's answer equals the people's label."""
    return _share(sample, sample.right, "accuracy", level)


def _share(
    sample: LabelledSample, counted: np.ndarray, by: Literal["class", "accuracy"], level: float
) -> ScoreInterval:
    """The share of all items that count; without labels undefined, with the interval from 0 to 1.

    counted: bool (n,), whether each labelled item counts.
    """
    if not len(sample.rows):
        return replace(UNDEFINED, low=0.0, high=1.0)
    bins = sample.bins if by == "class" else sample.accuracy_bins
    strata, residuals = _strata(sample, counted, bins)
    return interval_of(strata, level, effective_part=_effective_part(sample, residuals))


def effective_part(sample: LabelledSample, counted: np.ndarray, bins: np.ndarray) -> float:
    """The effective number of labels as a share of their number: below 1 if items of a cluster are alike.

    counted: bool (n,), whether each labelled item counts. bins: int (n_items,), each with at least one
    label.
    """
    return _effective_part(sample, _strata(sample, counted, bins)[1]) if len(sample.rows) else 1.0


def _effective_part(sample: LabelledSample, residuals: np.ndarray) -> float:
    return 1.0 if sample.clusters is None else effective_share(residuals, sample.clusters[sample.rows])


def _strata(sample: LabelledSample, counted: np.ndarray, bins: np.ndarray) -> tuple[Strata, np.ndarray]:
    """The strata, and the weighted residual of each labelled item from its stratum's mean, float (n,)."""
    own, n_bins = bins[sample.rows], int(bins.max()) + 1
    weights = np.ones(len(own)) if sample.weights is None else sample.weights
    sizes = np.bincount(bins, minlength=n_bins).astype(float)
    total = np.bincount(own, weights, n_bins)
    squares = np.bincount(own, weights**2, n_bins)
    means = np.bincount(own, weights * counted, n_bins) / total
    residuals = weights * (counted - means[own])
    strata = Strata(
        sizes, np.bincount(own, minlength=n_bins).astype(float), np.bincount(own, counted, n_bins), total,
        total**2 / squares, means, np.bincount(own, residuals**2, n_bins) / squares,
    )  # fmt: skip
    return strata, (sizes / total)[own] * residuals


def interval_of(
    strata: Strata, level: float = 0.95, *, effective_part: float = 1.0, foreseen: bool = False
) -> ScoreInterval:
    """The share of all strata together, with its interval.

    effective_part: the effective number of labels as a share of their number, at most 1; below 1 if items of a cluster
    are alike. foreseen: for planning; the means are those expected of all items, and the interval is the one to expect
    from labels whose means vary around them. Even if every item has a label, the interval is as wide as one item.
    """
    from scipy.stats import beta

    n_items, n = float(strata.sizes.sum()), float(strata.labelled.sum())
    portions = strata.sizes / n_items
    # Rounded so that the value is exactly 0 or 1 if all labels agree, whatever their weights.
    value = float(np.clip(np.round((portions * strata.means).sum(), 12), 0, 1))
    means, spreads = _smoothed(strata, pooled=(value * n + 0.5) / (n + 1), foreseen=foreseen)
    unknown = 1 - strata.labelled / strata.sizes
    variance = float((portions**2 * spreads / strata.effective * unknown).sum())
    centre = float((portions * means).sum())
    half_an_item = 0.5 / n_items
    if variance <= 0:
        return ScoreInterval(value, max(0.0, value - half_an_item), min(1.0, value + half_an_item))
    effective = centre * (1 - centre) / variance * effective_part
    ends = beta.ppf([(1 - level) / 2, (1 + level) / 2], value * effective + 0.5, (1 - value) * effective + 0.5)
    # The labelled items are part of the population, so at least those counted must count. 0 and 1 remain possible if no
    # label contradicts them.
    counted = float(strata.counted.sum())
    low = 0.0 if value == 0 else max(min(float(ends[0]), value - half_an_item), counted / n_items)
    high = 1.0 if value == 1 else min(max(float(ends[1]), value + half_an_item), 1 - (n - counted) / n_items)
    return ScoreInterval(value, min(low, value), max(high, value))


def _smoothed(strata: Strata, *, pooled: float, foreseen: bool) -> tuple[np.ndarray, np.ndarray]:
    """The mean and the variance of each stratum with at most one label added; float (n_strata,) each.

    pooled: the share of all labels together, which the added label has. Even if all labels of a stratum agree, the
    stratum may contain other items. An optimal allocation has sampling rates in proportion to the standard deviations
    (Neyman 1934), so where the rate is lower, the variance of the added label is lower by its square.
    """
    added = np.minimum(strata.relative_rates, 1) ** 2
    total = strata.effective + added
    spreads, distances = strata.spreads, (strata.means - pooled) ** 2
    if foreseen:  # the means of labels vary around those expected, and their residuals are smaller by as much
        scatter = spreads / strata.effective
        spreads, distances = np.maximum(spreads - scatter, 0), distances + scatter
    means = (strata.effective * strata.means + added * pooled) / total
    within = strata.effective * spreads + added * pooled * (1 - pooled)
    return np.asarray(means), np.asarray((within + strata.effective * added / total * distances) / total)
