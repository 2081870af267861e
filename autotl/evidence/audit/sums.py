"""The counts from which the rates of all classes and groups are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotl.evidence.audit.grouped import Grouped, Sums, members_of, units_of

RECALL, PRECISION, SELECTION, ERROR, CALIBRATION = "recall", "precision", "selection rate", "error", "calibration"
BY_CLASS = (RECALL, PRECISION, SELECTION)
_ITEMS, _WRONG, _EXCESS, _SQUARES, _FIRST_CLASS = 0, 1, 2, 3, 4


@dataclass(frozen=True, eq=False)
class ClassSums(Sums):
    """Sums of answers that are one class each, with the metrics of `metrics`.

    counts: float (..., n_groups, 4 + 3 * n_classes): the number of items, the wrong answers, the excess confidence
    (confidence minus 1 for a right answer), its square, and for each class the items labelled with it, those predicted
    as it, and those that are both.
    """

    n_classes: int

    @property
    def numerators(self) -> np.ndarray:
        """The numerator of each metric."""
        _, predicted, hits = self._classes()
        return np.concatenate([hits, hits, predicted, self.counts[..., [_WRONG, _EXCESS]]], axis=-1)

    @property
    def denominators(self) -> np.ndarray:
        """The denominator of each metric."""
        labelled, predicted, _ = self._classes()
        items = self.counts[..., [_ITEMS]]
        return np.concatenate([labelled, predicted, np.repeat(items, self.n_classes + 2, axis=-1)], axis=-1)

    @property
    def variances(self) -> np.ndarray:
        """The variance of one item's contribution.

        For a proportion it is p (1 - p) with p = (k + 1) / (n + 2) (Agresti & Coull 1998): one success and one failure
        are added. For the calibration, the same two items are added with the mean confidence.
        """
        above, below = self.numerators, self.denominators
        share = (above + 1) / (below + 2)
        found = share * (1 - share)
        found[..., -1] = self._variance_of_excess()
        return np.asarray(found)

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
class ClassAnswers(Grouped):
    """Answers that are one class each.

    labels, predicted: int (n,); excess: float (n,), the confidence, minus 1 for a right answer.
    """

    labels: np.ndarray
    predicted: np.ndarray
    excess: np.ndarray
    n_classes: int

    @property
    def paired(self) -> Sequence[int]:
        """Error and recall, since selection rate and precision also depend on how common a class is."""
        return [place for place, (name, _) in enumerate(metrics(self.n_classes)) if name in (ERROR, RECALL)]

    def over(self, counts: np.ndarray) -> Sums:
        """The sums of which these are the counts."""
        return ClassSums(counts, self.n_classes)

    def table(self, row: np.ndarray, item: np.ndarray, weight: np.ndarray | None, n_rows: int) -> np.ndarray:
        """Counts of items, grouped by row."""
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


def gather_answers(
    labels: np.ndarray, probabilities: np.ndarray, groups: Sequence[np.ndarray], clusters: np.ndarray | None
) -> ClassAnswers:
    """The answers of a model to items of some groups.

    labels: int (n,); probabilities: (n, n_classes); groups: bool (n,) each; clusters: (n,), any values, equal for items
    that are not independent; None if all items are independent.
    """
    n, n_classes = probabilities.shape
    predicted = probabilities.argmax(axis=1)
    group, item = members_of(groups, n)
    return ClassAnswers(
        unit=units_of(clusters, n), group=group, item=item, n_groups=len(groups), labels=labels, predicted=predicted,
        excess=probabilities[np.arange(n), predicted] - (predicted == labels), n_classes=n_classes,
    )  # fmt: skip
