"""Measures of answers that are not one class each: the errors of numbers, and the wrong and the found labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotl.evidence.audit.grouped import Grouped, Sums, members_of, units_of
from autotl.evidence.audit.rates import rate_name
from autotl.evidence.audit.sums import ERROR, RECALL
from autotl.evidence.intervals import clustered_wilson, score_interval
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.audit import ABSOLUTE_ERROR, BIAS
from autotl.targets import known_labels


@dataclass(frozen=True, eq=False)
class MeasuredSums(Sums):
    """Sums of measures. counts: the number of items, and of each measure the sums of a, b, a², a * b and b².

    a: numerators; b: denominators, 1 on average. scales: float (n_measures,), the standard deviation of one item's
    contribution over all items; None for shares.
    """

    scales: np.ndarray | None

    @property
    def numerators(self) -> np.ndarray:
        """The numerator of each measure."""
        return self._sums(0)

    @property
    def denominators(self) -> np.ndarray:
        """The denominator of each measure."""
        return self._sums(1)

    @property
    def variances(self) -> np.ndarray:
        """The variance of one item's contribution: of the residuals of a ratio (Cochran 1977, section 2.11).

        Two items are added, so that few items do not seem alike by chance: to shares one success and one failure, as
        for the rates of classes; to means two items that are off by the scale, one to each side.
        """
        a, b, aa, ab, bb = (self._sums(place) for place in range(5))
        if self.scales is None:
            ratio = (a + 1) / (b + 2)
            added = ratio**2 + (1 - ratio) ** 2
        else:
            ratio, added = a / np.maximum(b, 1), 2 * self.scales**2
        squares = np.maximum(aa - 2 * ratio * ab + ratio**2 * bb, 0)
        return np.asarray((squares + added) / (b + 2))

    def smoothed(self, added: np.ndarray) -> np.ndarray:
        """The measures, smoothed if they are shares."""
        return super().smoothed(added) if self.scales is None else self.values

    def _sums(self, place: int) -> np.ndarray:
        return np.asarray(self.counts[..., 1 + place :: 5])


@dataclass(frozen=True, eq=False)
class MeasuredAnswers(Grouped):
    """Answers with measures. columns: float (n, 1 + 5 * n_measures), what each item adds to the sums."""

    columns: np.ndarray
    scales: np.ndarray | None

    @property
    def paired(self) -> Sequence[int]:
        """The first measure, which is the error."""
        return [0]

    def over(self, counts: np.ndarray) -> Sums:
        """The sums of which these are the counts."""
        return MeasuredSums(counts, self.scales)

    def table(self, row: np.ndarray, item: np.ndarray, weight: np.ndarray | None, n_rows: int) -> np.ndarray:
        """Sums over items, grouped by row."""
        from scipy.sparse import csr_array

        weight = np.ones(len(row)) if weight is None else weight
        return np.asarray(csr_array((weight, (row, item)), shape=(n_rows, len(self.columns))) @ self.columns)


@dataclass(frozen=True, eq=False)
class Measures:
    """Measures of the answers to items: sums of a numerator over sums of a denominator.

    names: of the measures, the error first. numerators, denominators: float (n, n_measures). are_shares: whether the
    numerators count some of what the denominators count. clusters: (n,), equal for items that are alike; None if all
    are independent.
    """

    names: tuple[str, ...]
    numerators: np.ndarray
    denominators: np.ndarray
    are_shares: bool
    clusters: np.ndarray | None

    def gather(self, groups: Sequence[np.ndarray]) -> MeasuredAnswers:
        """The measures of the items of some groups, bool (n,) each."""
        n, present = len(self.numerators), self.denominators > 0
        # A denominator of 1 on average counts items, whatever it counts of them.
        unit = self.denominators.sum(axis=0) / np.maximum(present.sum(axis=0), 1)
        a, b = (part / np.where(unit > 0, unit, 1) for part in (self.numerators, self.denominators))
        columns = np.stack([a, b, a**2, a * b, b**2], axis=2).reshape(n, -1)
        scales = None if self.are_shares else np.maximum(a.std(axis=0), np.finfo(float).tiny ** 0.5)
        group, item = members_of(groups, n)
        return MeasuredAnswers(
            unit=units_of(self.clusters, n), group=group, item=item, n_groups=len(groups),
            columns=np.concatenate([np.ones((n, 1)), columns], axis=1), scales=scales,
        )  # fmt: skip

    def of(self, members: np.ndarray, *, by_class: bool = True) -> dict[str, ScoreInterval]:
        """The measures of one group with their intervals, by name, without those that no item counts in.

        members: bool (n,); by_class: whether to measure single labels.
        """
        places = [place for place, name in enumerate(self.names) if by_class or "[" not in name]
        return {self.names[k]: self._ratio(k, members) for k in places if self.denominators[members, k].any()}

    def _ratio(self, measure: int, members: np.ndarray) -> ScoreInterval:
        a, b = self.numerators[members, measure], self.denominators[members, measure]
        clusters = None if self.clusters is None else self.clusters[members]
        if not self.are_shares:
            return score_interval(lambda values, _: float(values.mean()), a, a[:, None], groups=clusters)
        own = units_of(clusters, len(a))
        successes, trials = (np.bincount(own, part).astype(int) for part in (a, b))
        return clustered_wilson(successes, trials)


def number_measures(answers: Predictions, clusters: np.ndarray | None) -> Measures:
    """The mean absolute error of numbers, and their bias: the mean of predicted less true."""
    errors = answers.probabilities[:, 0].astype(float) - answers.labels
    numerators = np.stack([np.abs(errors), errors], axis=1)
    return Measures((ABSOLUTE_ERROR, BIAS), numerators, np.ones_like(numerators), False, clusters)


def label_measures(
    answers: Predictions, classes: Sequence[str], least: np.ndarray, clusters: np.ndarray | None
) -> Measures:
    """The share of known labels that are wrong (Hamming loss), and the shares of labels, and of each, that are found.

    least: float (n_labels,), the probability from which on each label applies.
    """
    known, applies = known_labels(answers.labels), answers.labels > 0
    found = answers.probabilities >= least
    hits = applies & found
    wrong = (known & (found != applies)).sum(axis=1)
    names = (ERROR, RECALL, *(rate_name(RECALL, name) for name in classes))
    numerators = np.column_stack([wrong, hits.sum(axis=1), hits]).astype(float)
    denominators = np.column_stack([known.sum(axis=1), applies.sum(axis=1), applies]).astype(float)
    return Measures(names, numerators, denominators, True, clusters)
