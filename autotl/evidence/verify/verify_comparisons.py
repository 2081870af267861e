"""Simultaneous intervals for what sets groups apart: a studentised max-|t| bootstrap (Romano & Wolf 2005).

Rates are ratios of counts. A table of counts has a row per group, the last for all items. `Rates` say what its columns
are: those of classes are here, those of labels and numbers in verify_measures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np
from verify_intervals import effective_sizes
from verify_scores import Predictions

FEWEST = 10
"""Rates of fewer items are not compared."""


@dataclass
class Compared:
    """Differences by place with their standard errors, and the sorted largest |t| of each resample.

    place: (group, metric), or (first group, second group, metric). smoothed: other estimates of the differences, which
    their intervals also contain.
    """

    values: Mapping[tuple[int, ...], float]
    errors: Mapping[tuple[int, ...], float]
    smoothed: Mapping[tuple[int, ...], float]
    largest: np.ndarray

    def quantile(self, level: float) -> float:
        """The quantile of the largest |t| over resamples; never below the normal quantile of a single comparison."""
        return max(float(np.quantile(self.largest, level, method="higher")), NormalDist().inv_cdf((1 + level) / 2))

    def interval(self, place: tuple[int, ...]) -> tuple[float, float, float]:
        """(value, low, high), a simultaneous interval for all places."""
        value, half = self.values[place], self.quantile(0.95) * self.errors[place]
        other = self.smoothed[place]
        return value, min(value, other) - half, max(value, other) + half

    def p_value(self, place: tuple[int, ...]) -> float:
        """The p-value of no difference, corrected for the number of places."""
        n, t = len(self.largest), abs(self.values[place]) / self.errors[place]
        return max(
            float((n - np.searchsorted(self.largest, t, side="left") + 1) / (n + 1)), math.erfc(t / math.sqrt(2))
        )


class Rates(Protocol):
    """What the columns of a table are.

    columns: (n, n_columns), what each item adds. paired: the rates in which groups are compared with each other.
    """

    columns: np.ndarray
    paired: list[int]

    def ratios(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numerators and denominators (n_rows, n_rates) of a table of counts."""

    def variances(self, table: np.ndarray) -> np.ndarray:
        """Of one item's part in each rate, (n_rows, n_rates)."""

    def smoothed(self, table: np.ndarray, added: np.ndarray) -> np.ndarray:
        """The rates as their gaps are smoothed, (n_rows, n_rates)."""


class ClassRates:
    """The rates of classes.

    Columns: items, wrong answers, the confidence less 1 for a right answer, its square, and for each class the items
    labelled with it, those predicted as it, and those that are both.
    """

    def __init__(self, found: Predictions) -> None:
        self.k = k = found["probabilities"].shape[1]
        self.columns, self.paired = _columns(found), [*range(k), 3 * k]

    def ratios(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numerators and denominators."""
        k = self.k
        labelled, predicted, hits = (table[:, 4 + i * k : 4 + (i + 1) * k] for i in range(3))
        above = np.hstack([hits, hits, predicted, table[:, [1, 2]]])
        return above, np.hstack([labelled, predicted, np.repeat(table[:, [0]], k + 2, axis=1)])

    def variances(self, table: np.ndarray) -> np.ndarray:
        """Of one item's part in each rate, with one right and one wrong item added (Agresti & Coull 1998)."""
        above, below = self.ratios(table)
        share = (above + 1) / (below + 2)
        found = share * (1 - share)
        n, wrong, excess, squares = table[:, :4].T
        with np.errstate(divide="ignore", invalid="ignore"):
            confidence = (excess + n - wrong) / n
        square = (squares + (confidence - 1) ** 2 + confidence**2) / (n + 2)
        found[:, -1] = square - ((excess + 2 * confidence - 1) / (n + 2)) ** 2
        return np.asarray(found)

    def smoothed(self, table: np.ndarray, added: np.ndarray) -> np.ndarray:
        """With one right and one wrong item added to each group (Agresti & Caffo 2000)."""
        above, below = self.ratios(table)
        return np.asarray((above + added) / (below + 2 * added))


def metric_names(classes: list[str]) -> list[str]:
    """The rates, in the order of the columns here."""
    kinds = ("recall", "precision", "selection rate")
    return [*(f"{kind}[{name}]" for kind in kinds for name in classes), "error", "calibration"]


def compare(
    rates: Rates, groups: np.ndarray, families: list[list[int]], clusters: np.ndarray | None, seed: int
) -> tuple[Compared, Compared, np.ndarray]:
    """The deviations of groups from all items, the gaps between the groups of each family, and design effects.

    groups: bool (n_groups, n). families: numbers of groups that exclude each other.
    """
    columns, n = rates.columns, len(rates.columns)
    rows = np.vstack([groups, np.ones((1, n), bool)]).astype(float)
    table = rows @ columns
    pairs = np.array([
        (a, b, m) for own in families for i, a in enumerate(own) for b in own[i + 1 :] for m in rates.paired
    ])  # fmt: skip
    n_rates = rates.ratios(table)[0].shape[1]
    cells, pairs = np.argwhere(np.ones((len(groups), n_rates), bool)), pairs.reshape(-1, 3).astype(int)
    effects = _effects(rows, table, clusters, rates)
    possible = _large(table, cells, pairs, rates, FEWEST / 2)  # smaller ones are hardly ever large in a resample
    cells, pairs = cells[possible[0]], pairs[possible[1]]
    kept = _large(table, cells, pairs, rates)
    if clusters is not None:
        cells, pairs = cells[kept[0]], pairs[kept[1]]
    deviation, gap = _differences(table, cells, pairs, effects, rates)
    rng, largest = np.random.default_rng(seed), []
    units = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
    for _ in range(1000 if rows.sum() > 200_000 else 2000):
        if units is None:  # groups keep their places; the answers are drawn from all
            drawn, centre = rows @ columns[rng.integers(n, size=n)], (np.zeros(1), np.zeros(1))
        else:
            n_units = units.max() + 1
            weights = np.bincount(rng.integers(n_units, size=n_units), minlength=n_units)[units]
            drawn, centre = rows @ (columns * weights[:, None]), (deviation[0], gap[0])
        again, large = _differences(drawn, cells, pairs, effects, rates), _large(drawn, cells, pairs, rates)
        with np.errstate(divide="ignore", invalid="ignore"):
            ts = [np.abs(v - middle) / e for (v, e), middle in zip(again, centre, strict=True)]
        largest.append([np.where(mask, t, 0).max(initial=0) for t, mask in zip(ts, large, strict=True)])
    if clusters is not None:
        kept = (np.ones(len(cells), bool), np.ones(len(pairs), bool))
    both = []
    smoothed = _smoothed_gaps(table, pairs, effects[0], rates)
    for number, (places, part) in enumerate(((cells, (*deviation, deviation[0])), (pairs, (*gap, smoothed)))):
        keys = [tuple(place) for place in places[kept[number]].tolist()]
        values, errors, others = (dict(zip(keys, x[kept[number]].tolist(), strict=True)) for x in part)
        both.append(Compared(values, errors, others, np.sort(np.array(largest)[:, number])))
    return both[0], both[1], effects[0]


def _columns(found: Predictions) -> np.ndarray:
    labels, predicted = found["labels"], found["probabilities"].argmax(axis=1)
    one_hot = np.eye(found["probabilities"].shape[1])
    right = predicted == labels
    excess = found["probabilities"].max(axis=1) - right
    single = np.stack([np.ones(len(labels)), ~right, excess, excess**2], axis=1)
    return np.hstack([single, one_hot[labels], one_hot[predicted], one_hot[labels] * right[:, None]])


def _large(
    table: np.ndarray, cells: np.ndarray, pairs: np.ndarray, rates: Rates, fewest: float = FEWEST
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Which places have enough items on both sides."""
    below = rates.ratios(table)[1]
    own, rest = below[:-1] >= fewest, below[-1] - below[:-1] >= fewest
    (group, metric), (first, second, of) = cells.T, pairs.T
    return (own & rest)[group, metric], own[first, of] & own[second, of]


def _differences(
    table: np.ndarray, cells: np.ndarray, pairs: np.ndarray, effects: tuple[np.ndarray, np.ndarray], rates: Rates
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values and standard errors of the deviations and of the gaps."""
    (group, metric), (first, second, of), rest = cells.T, pairs.T, table[-1] - table[:-1]
    above, below = rates.ratios(table)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = above / below
        own = effects[0] * rates.variances(table[:-1]) / below[:-1]
        other = effects[1] * rates.variances(rest) / rates.ratios(rest)[1]
        error = ((1 - below[:-1] / below[-1]) * np.sqrt(own + other))[group, metric]
        deviation = (values[:-1] - values[-1])[group, metric], error
        return [deviation, (values[first, of] - values[second, of], np.sqrt(own[first, of] + own[second, of]))]


def _smoothed_gaps(table: np.ndarray, pairs: np.ndarray, effects: np.ndarray, rates: Rates) -> np.ndarray:
    """The gaps of the smoothed rates."""
    (first, second, of), shares = pairs.T, rates.smoothed(table[:-1], effects)
    return np.asarray(shares[first, of] - shares[second, of])


def _effects(
    rows: np.ndarray, table: np.ndarray, clusters: np.ndarray | None, rates: Rates
) -> tuple[np.ndarray, np.ndarray]:
    """Design effects of the groups and of their rests, (n_groups, n_metrics) each."""
    columns, n_rates = rates.columns, rates.ratios(table)[0].shape[1]
    own, other = np.ones((len(rows) - 1, n_rates)), np.ones((len(rows) - 1, n_rates))
    if clusters is None:
        return own, other
    units = np.unique(clusters, return_inverse=True)[1]

    def parts(members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sums = np.zeros((units.max() + 1, columns.shape[1]))
        np.add.at(sums, units, columns * members[:, None])
        return rates.ratios(sums)

    for group, members in enumerate(rows[:-1]):
        sides = ((parts(members), table[[group]]), (parts(1 - members), table[[-1]] - table[[group]]))
        for metric in range(n_rates):
            sizes, variances, trials, residuals = [], [], [], []
            for (above, below), total in sides:
                whole, n = rates.ratios(total)[0][0, metric], rates.ratios(total)[1][0, metric]
                there = below[:, metric] > 0
                sizes.append(n)
                trials.append(below[there, metric])
                share = whole / n if n else math.nan
                residuals.append((above[there, metric] - share * below[there, metric]) / max(n, 1))
                variances.append(rates.variances(total)[0, metric] / max(n, 1))
            if min(sizes) > 0:
                found = np.array(sizes) / effective_sizes(trials, residuals, np.array(sizes), np.array(variances))
                own[group, metric], other[group, metric] = found
    return own, other
