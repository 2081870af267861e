"""Simultaneous intervals for differences between groups: a studentised max-|t| bootstrap.

Many groups, classes and metrics are compared at once, so some differ by chance. In each bootstrap resample, the
deviations of all differences are divided by their standard errors. The 95 % quantile of the largest of them over all
resamples is the number of standard errors at which all intervals hold simultaneously with 95 % confidence (Romano &
Wolf 2005, "Exact and approximate stepdown methods for multiple hypothesis testing").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from autotl.evidence.audit.grouped import Grouped, Sums
from autotl.evidence.audit.subgroups import FEWEST_ITEMS
from autotl.evidence.design_effects import effective_sizes

LEVEL, LIKELY = 0.95, 0.8
RESAMPLES = 2000
_NUMBERS_AT_ONCE = 1_000_000


@dataclass(frozen=True, eq=False)
class Family:
    """Differences with simultaneous intervals.

    values, errors: float (n,), the differences and their standard errors. smoothed: float (n,), smoothed estimates of
    the differences, which the intervals also contain. factor: half-width of the intervals in standard errors. likely:
    the 80 % quantile of the largest deviation from the truth, in standard errors. largest: float (n_resamples,), the
    largest |t| of each resample, ascending.
    """

    values: np.ndarray
    errors: np.ndarray
    smoothed: np.ndarray
    factor: float
    likely: float
    largest: np.ndarray

    @property
    def low(self) -> np.ndarray:
        """Lower ends of the intervals, float (n,)."""
        return np.asarray(np.minimum(self.values, self.smoothed) - self.factor * self.errors)

    @property
    def high(self) -> np.ndarray:
        """Upper ends of the intervals, float (n,)."""
        return np.asarray(np.maximum(self.values, self.smoothed) + self.factor * self.errors)

    @property
    def p_values(self) -> np.ndarray:
        """The p-value of each difference, corrected for their number, float (n,)."""
        from scipy.special import erfc

        n, t = len(self.largest), np.abs(self.values) / self.errors
        above = n - np.searchsorted(self.largest, t, side="left")
        return np.asarray(np.maximum((above + 1) / (n + 1), erfc(t / np.sqrt(2))))


@dataclass(frozen=True, eq=False)
class Comparisons:
    """The results of all comparisons.

    effects: float (n_groups, n_metrics), design effects of the groups. deviations: groups minus all items; cells: int
    (n, 2), the group and metric of each. gaps: differences between two groups; pairs: int (m, 3), the two groups and
    the metric of each.
    """

    effects: np.ndarray
    cells: np.ndarray
    deviations: Family
    pairs: np.ndarray
    gaps: Family


def compare(
    answers: Grouped, families: Sequence[Sequence[int]], *, seed: int, resamples: int = RESAMPLES,
    fewest: int = FEWEST_ITEMS,
) -> Comparisons:  # fmt: skip
    """Compare every group with all items in every metric, and the groups of each family with each other.

    families: indices of mutually exclusive groups, which are compared with each other in the metrics of
    `Grouped.paired`. Rates of fewer than `fewest` items are left out, also within resamples.
    """
    groups, everything = answers.sums()
    cells = np.argwhere(np.ones(groups.values.shape, dtype=bool))
    pairs = _all_pairs(families, answers.paired)
    effects = _design_effects(answers, groups, everything)
    every = _Places(effects, cells, pairs, fewest)
    # Rates of fewer items than half of `fewest` hardly ever reach `fewest` in a resample.
    every = every.only(*every.large(groups, everything, fewest / 2))
    kept = every.large(groups, everything)
    if answers.has_clusters:  # clusters keep their groups, so the excluded rates stay small
        every = every.only(*kept)
        kept = np.ones(len(every.cells), dtype=bool), np.ones(len(every.pairs), dtype=bool)
    deviation, gap = every.deviations(groups, everything), every.gaps(groups)
    centre = [found[0] if answers.has_clusters else np.zeros(1) for found in (deviation, gap)]
    rng, largest = np.random.default_rng(seed), []
    numbers = 4 * (groups.counts.size + len(answers.item) + len(every.cells) + len(every.pairs))
    for size in _chunks(resamples, max(1, _NUMBERS_AT_ONCE // numbers)):
        drawn = answers.split(answers.redrawn(rng, size))
        found = zip((every.deviations(*drawn), every.gaps(drawn[0])), centre, every.large(*drawn), strict=True)
        largest.append([_largest(values - middle, errors, large) for (values, errors), middle, large in found])
    of_cells, of_pairs = (np.sort(np.concatenate(part)) for part in zip(*largest, strict=True))
    return Comparisons(
        effects[0], every.cells[kept[0]], _family(deviation, deviation[0], kept[0], of_cells), every.pairs[kept[1]],
        _family(gap, every.smoothed_gaps(groups), kept[1], of_pairs),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Places:
    """What is compared, and the design effects of groups and of their complements, float (n_groups, n_metrics) each.

    cells: int (n, 2), group and metric; pairs: int (m, 3), two groups and a metric.
    """

    effects: tuple[np.ndarray, np.ndarray]
    cells: np.ndarray
    pairs: np.ndarray
    fewest: int

    def only(self, cells: np.ndarray, pairs: np.ndarray) -> _Places:
        """The comparisons that are selected by two masks, bool (n,) and (m,)."""
        return _Places(self.effects, self.cells[cells], self.pairs[pairs], self.fewest)

    def large(
        self, groups: Sums, everything: Sums, fewest: float | None = None
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Which cells and which pairs have enough items on both sides, bool (..., n)."""
        fewest = self.fewest if fewest is None else fewest
        (group, metric), (first, second, of) = self.cells.T, self.pairs.T
        own, other = (sums.denominators >= fewest for sums in (groups, everything.without(groups)))
        return (own & other)[..., group, metric], own[..., first, of] & own[..., second, of]

    def deviations(self, groups: Sums, everything: Sums) -> tuple[np.ndarray, np.ndarray]:
        """Group minus all items, and its standard error, float (..., n_cells).

        If a group has a share f of the items, this is (1 - f) times the difference of two independent samples.
        """
        group, metric = self.cells.T
        rest = everything.without(groups)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (groups.denominators / everything.denominators)[..., group, metric]
            own, other = (
                _variance_of_mean(part, effect)[..., group, metric]
                for part, effect in zip((groups, rest), self.effects, strict=True)
            )
            difference = (groups.values - everything.values)[..., group, metric]
            return difference, (1 - share) * np.sqrt(own + other)

    def gaps(self, groups: Sums) -> tuple[np.ndarray, np.ndarray]:
        """First group minus second, and its standard error, float (..., n_pairs)."""
        first, second, metric = self.pairs.T
        values, variances = groups.values, _variance_of_mean(groups, self.effects[0])
        error = np.sqrt(variances[..., first, metric] + variances[..., second, metric])
        return values[..., first, metric] - values[..., second, metric], error

    def smoothed_gaps(self, groups: Sums) -> np.ndarray:
        """The gaps of the smoothed metrics of each group, float (n_pairs,)."""
        first, second, metric = self.pairs.T
        shares = groups.smoothed(self.effects[0])  # the number of items equivalent to one independent item
        return np.asarray(shares[first, metric] - shares[second, metric])


def _variance_of_mean(sums: Sums, effect: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(effect * sums.variances / sums.denominators)


def _all_pairs(families: Sequence[Sequence[int]], wanted: Sequence[int]) -> np.ndarray:
    """All pairs of groups of the same family, for each of these metrics, int (n, 3)."""
    found = [
        (first, second, metric)
        for family in families
        for place, first in enumerate(family)
        for second in family[place + 1 :]
        for metric in wanted
    ]
    return np.array(found, dtype=int).reshape(-1, 3)


def _design_effects(answers: Grouped, groups: Sums, everything: Sums) -> tuple[np.ndarray, np.ndarray]:
    """The design effects of clusters in each group and its complement, float (n_groups, n_metrics) each."""
    own, other = np.ones(groups.values.shape), np.ones(groups.values.shape)
    if not answers.has_clusters:
        return own, other
    all_parts = answers.parts(-1)
    for group in range(answers.n_groups):
        parts = answers.parts(group)
        samples = ((parts, groups), (all_parts.without(parts), everything.without(groups)))
        for metric in range(groups.values.shape[-1]):
            found = [_residuals(part, sums, group, metric) for part, sums in samples]
            sizes = np.array([one[0] for one in found])
            if sizes.min() > 0:
                variances = np.array([one[1] for one in found])
                trials, residuals = [one[2] for one in found], [one[3] for one in found]
                effect = sizes / effective_sizes(trials, residuals, sizes, variances)
                own[group, metric], other[group, metric] = effect
    return own, other


def _residuals(parts: Sums, total: Sums, group: int, metric: int) -> tuple[float, float, np.ndarray, np.ndarray]:
    """For one rate: number of items, variance if they were independent, and items and residual of each cluster."""
    size = float(total.denominators[group, metric])
    trials = parts.denominators[:, metric]
    present = trials > 0
    if size == 0:
        return 0.0, 0.0, trials, trials
    residuals = (parts.numerators[:, metric] - total.values[group, metric] * trials) / size
    return size, float(total.variances[group, metric]) / size, trials[present], residuals[present]


def _largest(distances: np.ndarray, errors: np.ndarray, large: np.ndarray) -> np.ndarray:
    """The largest |t| of each resample, float (n_resamples,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(distances) / errors
    return np.asarray(np.where(large, t, 0).max(axis=1, initial=0))


def _family(
    found: tuple[np.ndarray, np.ndarray], smoothed: np.ndarray, kept: np.ndarray, largest: np.ndarray
) -> Family:  # fmt: skip
    factor, likely = (
        max(float(np.quantile(largest, level, method="higher")), NormalDist().inv_cdf((1 + level) / 2))
        for level in (LEVEL, LIKELY)
    )
    return Family(found[0][kept], found[1][kept], smoothed[kept], factor, likely, largest)


def _chunks(total: int, most: int) -> list[int]:
    return [min(most, total - start) for start in range(0, total, most)]
