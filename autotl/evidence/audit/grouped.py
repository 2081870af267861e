"""Answers in groups: sums over the items of each group, for all items or for many resamples at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False)
class Sums(ABC):
    """Sums over the items of each group, or of each group in each of several resamples.

    counts: float (..., n_groups, n_sums), the number of items first. Every metric is a numerator over a denominator.
    """

    counts: np.ndarray

    @property
    @abstractmethod
    def numerators(self) -> np.ndarray:
        """The numerator of each metric, float (..., n_groups, n_metrics)."""

    @property
    @abstractmethod
    def denominators(self) -> np.ndarray:
        """The denominator of each metric, float (..., n_groups, n_metrics)."""

    @property
    @abstractmethod
    def variances(self) -> np.ndarray:
        """The variance of one item's contribution, float (..., n_groups, n_metrics), never 0."""

    @property
    def values(self) -> np.ndarray:
        """The metrics, float (..., n_groups, n_metrics); NaN if a denominator is 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.numerators / self.denominators)

    def smoothed(self, added: np.ndarray) -> np.ndarray:
        """The shares with this many successes and failures added (Agresti & Caffo 2000), float (n_groups, n_metrics).

        No observed errors in a small group do not imply that its error rate is 0.
        """
        return np.asarray((self.numerators + added) / (self.denominators + 2 * added))

    def without(self, others: Self) -> Self:
        """The sums over the items of these groups that are not in `others`."""
        return replace(self, counts=self.counts - others.counts)


@dataclass(frozen=True, eq=False)
class Grouped(ABC):
    """Answers of a model, and the groups that their items are in.

    unit: int (n,), the cluster of each item. group, item: int, one entry for each item of each group; the last group
    contains all items.
    """

    unit: np.ndarray
    group: np.ndarray
    item: np.ndarray
    n_groups: int

    @property
    @abstractmethod
    def paired(self) -> Sequence[int]:
        """The places of the metrics in which groups are compared with each other."""

    @abstractmethod
    def over(self, counts: np.ndarray) -> Sums:
        """The sums of which these are the counts."""

    @abstractmethod
    def table(self, row: np.ndarray, item: np.ndarray, weight: np.ndarray | None, n_rows: int) -> np.ndarray:
        """Counts of items, float (n_rows, n_sums). row, item, weight: (n_entries,), what is added to which row."""

    @property
    def n_units(self) -> int:
        """Number of clusters; the number of items if all are independent."""
        return int(self.unit.max(initial=-1)) + 1

    @property
    def has_clusters(self) -> bool:
        """Whether some items belong together."""
        return self.n_units < len(self.unit)

    def sums(self) -> tuple[Sums, Sums]:
        """The sums by group, and over all items (with one group)."""
        return self.split(self._counts(None, None))

    def redrawn(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Counts of resamples, float (size, n_groups + 1, n_sums).

        With clusters, whole clusters are drawn with replacement, together with their groups. If all items are
        independent, the groups keep their items, and the answers are drawn from those to all items. The t values then
        follow the null hypothesis of equal groups, which an ordinary bootstrap approximates less well in small groups.
        """
        if self.has_clusters:
            weights = _frequencies(rng.integers(self.n_units, size=(size, self.n_units)), self.n_units)
            return self._counts(None, weights[:, self.unit])
        return self._counts(rng.integers(len(self.unit), size=(size, len(self.unit))), None)

    def split(self, counts: np.ndarray) -> tuple[Sums, Sums]:
        """Split counts, (..., n_groups + 1, n_sums), into those of the groups and of all items."""
        return self.over(counts[..., :-1, :]), self.over(counts[..., -1:, :])

    def parts(self, group: int) -> Sums:
        """The contribution of each cluster to a group, or to all items if group is -1: one row per cluster."""
        own = self.item[self.group == group % (self.n_groups + 1)]
        return self.over(self.table(self.unit[own], own, None, self.n_units))

    def _counts(self, source: np.ndarray | None, weights: np.ndarray | None) -> np.ndarray:
        """The counts if item i of a resample gets the answer to item source[i], or if it counts weights[i] times."""
        if source is None and weights is None:
            return self.table(self.group, self.item, None, self.n_groups + 1)
        size = len(source if source is not None else weights)  # type: ignore[arg-type]
        n_rows = self.n_groups + 1
        row = (self.group + n_rows * np.arange(size)[:, None]).ravel()
        item = np.tile(self.item, size) if source is None else source[:, self.item].ravel()
        weight = None if weights is None else weights[:, self.item].ravel()
        return self.table(row, item, weight, size * n_rows).reshape(size, n_rows, -1)


def members_of(groups: Sequence[np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray]:
    """The group and the item of each entry of `Grouped`. groups: bool (n,) each; all items are the last group."""
    places = [np.flatnonzero(members) for members in (*groups, np.ones(n, dtype=bool))]
    return np.repeat(np.arange(len(places)), [len(place) for place in places]), np.concatenate(places)


def units_of(clusters: np.ndarray | None, n: int) -> np.ndarray:
    """Clusters as numbers from 0, int (n,). clusters: (n,), any values; None if all items are independent."""
    return np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]


def _frequencies(drawn: np.ndarray, n: int) -> np.ndarray:
    """How often each of n units was drawn in each row, float (n_rows, n)."""
    rows = len(drawn)
    return np.bincount((drawn + n * np.arange(rows)[:, None]).ravel(), minlength=rows * n).reshape(rows, n) * 1.0
