"""The counts from which the rates of all groups are computed, for all items or for many resamples at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RECALL, PRECISION, SELECTION, ERROR, CALIBRATION = "recall", "precision", "selection rate", "error", "calibration"
BY_CLASS = (RECALL, PRECISION, SELECTION)
_ITEMS, _WRONG, _EXCESS, _SQUARES, _FIRST_CLASS = 0, 1, 2, 3, 4


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the items of each group, or of each group in each of several resamples.

    counts: float (..., n_groups, 4 + 3 * n_classes): the number of items, the wrong answers, the excess confidence
    (confidence minus 1 for a right answer), its square, and for each class the items labelled with it, those predicted
    as it, and those that are both.
    """

    counts: np.ndarray
    n_classes: int

    @property
    def numerators(self) -> np.ndarray:
        """The numerator of each metric, float (..., n_groups, n_metrics), in the order of `metrics`."""
        _, predicted, hits = self._classes()
        return np.concatenate([hits, hits, predicted, self.counts[..., [_WRONG, _EXCESS]]], axis=-1)

    @property
    def denominators(self) -> np.ndarray:
        """The denominator of each metric, float (..., n_groups, n_metrics)."""
        labelled, predicted, _ = self._classes()
        items = self.counts[..., [_ITEMS]]
        return np.concatenate([labelled, predicted, np.repeat(items, self.n_classes + 2, axis=-1)], axis=-1)

    @property
    def values(self) -> np.ndarray:
        """The rates, float (..., n_groups, n_metrics); NaN if a denominator is 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.numerators / self.denominators)

    @property
    def variances(self) -> np.ndarray:
        """The variance of one item's contribution, float (..., n_groups, n_metrics), never 0.

        For a proportion it is p (1 - p) with p = (k + 1) / (n + 2) (Agresti & Coull 1998): one success and one failure
        are added. For the calibration, the same two items are added with the mean confidence.
        """
        above, below = self.numerators, self.denominators
        share = (above + 1) / (below + 2)
        found = share * (1 - share)
        found[..., -1] = self._variance_of_excess()
        return np.asarray(found)

    def without(self, others: Sums) -> Sums:
        """The sums over the items of these groups that are not in `others`."""
        return Sums(self.counts - others.counts, self.n_classes)

    def _variance_of_excess(self) -> np.ndarray:
        n, wrong, excess, squares = (self.counts[..., column] for column in range(_FIRST_CLASS))
        with np.errstate(invalid="ignore", divide="ignore"):
            confidence = (excess + n - wrong) / n
        mean = (excess + 2 * confidence - 1) / (n + 2)
        square = (squares + (confidence - 1) ** 2 + confidence**2) / (n + 2)
        return np.asarray(square - mean**2)

    def _classes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        k = self.n_classes
        labelled, predicted, hits = (
            self.counts[..., _FIRST_CLASS + place * k : _FIRST_CLASS + (place + 1) * k] for place in range(3)
        )
        return labelled, predicted, hits


def metrics(n_classes: int) -> list[tuple[str, int]]:
    """Name and class index of each metric; -1 if it is over all classes."""
    return [*((name, k) for name in BY_CLASS for k in range(n_classes)), (ERROR, -1), (CALIBRATION, -1)]


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers of a model, and the groups that their items are in.

    labels, predicted: int (n,); excess: float (n,), the confidence, minus 1 for a right answer. unit: int (n,), the
    cluster of each item. group, item: int, one entry for each item of each group; the last group contains all items.
    """

    labels: np.ndarray
    predicted: np.ndarray
    excess: np.ndarray
    n_classes: int
    unit: np.ndarray
    group: np.ndarray
    item: np.ndarray
    n_groups: int

    @property
    def n_units(self) -> int:
        """Number of clusters; the number of items if all are independent."""
        return int(self.unit.max(initial=-1)) + 1

    @property
    def has_clusters(self) -> bool:
        """Whether some items belong together."""
        return self.n_units < len(self.labels)

    def sums(self) -> tuple[Sums, Sums]:
        """The sums by group, and over all items (with one group)."""
        return self.split(self._counts(None, None))

    def redrawn(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Counts of resamples, float (size, n_groups + 1, 4 + 3 * n_classes).

        With clusters, whole clusters are drawn with replacement, together with their groups. If all items are
        independent, the groups keep their items, and the answers are drawn from those to all items. The t values then
        follow the null hypothesis of equal groups, which an ordinary bootstrap approximates less well in small groups.
        """
        if self.has_clusters:
            weights = _frequencies(rng.integers(self.n_units, size=(size, self.n_units)), self.n_units)
            return self._counts(None, weights[:, self.unit])
        return self._counts(rng.integers(len(self.labels), size=(size, len(self.labels))), None)

    def split(self, counts: np.ndarray) -> tuple[Sums, Sums]:
        """Split counts, (..., n_groups + 1, 4 + 3 * n_classes), into those of the groups and of all items."""
        return Sums(counts[..., :-1, :], self.n_classes), Sums(counts[..., -1:, :], self.n_classes)

    def parts(self, group: int) -> Sums:
        """The contribution of each cluster to a group, or to all items if group is -1: one row per cluster."""
        own = self.item[self.group == group % (self.n_groups + 1)]
        return Sums(self._table(self.unit[own], own, None, self.n_units), self.n_classes)

    def _counts(self, source: np.ndarray | None, weights: np.ndarray | None) -> np.ndarray:
        """The counts if item i of a resample gets the answer to item source[i], or if it counts weights[i] times."""
        if source is None and weights is None:
            return self._table(self.group, self.item, None, self.n_groups + 1)
        size = len(source if source is not None else weights)  # type: ignore[arg-type]
        n_rows = self.n_groups + 1
        row = (self.group + n_rows * np.arange(size)[:, None]).ravel()
        item = np.tile(self.item, size) if source is None else source[:, self.item].ravel()
        weight = None if weights is None else weights[:, self.item].ravel()
        return self._table(row, item, weight, size * n_rows).reshape(size, n_rows, -1)

    def _table(self, row: np.ndarray, item: np.ndarray, weight: np.ndarray | None, n_rows: int) -> np.ndarray:
        """Sums over items, grouped by row."""
        k, label, predicted, excess = self.n_classes, self.labels[item], self.predicted[item], self.excess[item]
        weighted = excess if weight is None else excess * weight
        hit = (predicted == label) if weight is None else (predicted == label) * weight

        def by_class(of: np.ndarray, amount: np.ndarray | None) -> np.ndarray:
            return np.bincount(row * k + of, amount, n_rows * k).reshape(n_rows, k)

        labelled, hits = by_class(label, weight), by_class(label, hit)
        items = labelled.sum(axis=1)
        single = [
            items, items - hits.sum(axis=1),
            np.bincount(row, weighted, n_rows), np.bincount(row, weighted * excess, n_rows),
        ]  # fmt: skip
        return np.concatenate([np.stack(single, axis=1), labelled, by_class(predicted, weight), hits], axis=1)


def _frequencies(drawn: np.ndarray, n: int) -> np.ndarray:
    """How often each of n units was drawn in each row, float (n_rows, n)."""
    rows = len(drawn)
    return np.bincount((drawn + n * np.arange(rows)[:, None]).ravel(), minlength=rows * n).reshape(rows, n) * 1.0


def gather_answers(
    labels: np.ndarray, probabilities: np.ndarray, groups: Sequence[np.ndarray], clusters: np.ndarray | None
) -> Answers:
    """The answers of a model to items of some groups.

    labels: int (n,); probabilities: (n, n_classes); groups: bool (n,) each; clusters: (n,), any values, equal for items
    that are not independent; None if all items are independent.
    """
    n, n_classes = probabilities.shape
    predicted = probabilities.argmax(axis=1)
    places = [np.flatnonzero(members) for members in (*groups, np.ones(n, dtype=bool))]
    return Answers(
        labels=labels, predicted=predicted,
        excess=probabilities[np.arange(n), predicted] - (predicted == labels), n_classes=n_classes,
        unit=np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1],
        group=np.repeat(np.arange(len(places)), [len(place) for place in places]), item=np.concatenate(places),
        n_groups=len(groups),
    )  # fmt: skip
