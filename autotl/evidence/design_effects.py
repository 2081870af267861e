"""Design effects: how much less the items of groups tell than as many items that have nothing to do with each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autotl.evidence.influences import Sample, influence, strata_of
from autotl.evidence.tilting import Influences
from autotl.targets import CLASSES, kind_of


def effective_sizes(
    parts: list[np.ndarray], totals: list[np.ndarray], sizes: np.ndarray, variances: np.ndarray
) -> np.ndarray:
    """How many independent items tell as much as those of each stratum, float (n_strata,).

    parts: for each stratum the number of items in each of its groups; totals: what each group, or each of some random
    blocks of groups, adds to a sum, less its share of the mean; sizes, variances: float (n_strata,), the number of
    items and the variance that the sum would have if they were independent.

    A stratum whose groups have m items, weighted by their items, has size / (1 + (m - 1) * correlation) of them (Kish
    1965). The correlation within groups is the one by which the variances, summed over the strata, become what the
    totals show. Few wrong answers tell it badly, so that it is averaged, by the degrees of freedom of the totals'
    variance, with that of one more group which is wholly alike. A stratum with a single group tells nothing of it, and
    counts as one item.
    """
    mean_sizes = np.array([(part**2).sum() / part.sum() for part in parts])
    several = np.array([len(total) > 1 for total in totals])
    pooled, freedom = 1.0, 0.0
    expected = float((variances * (mean_sizes - 1))[several].sum())
    if expected > 0:
        seen, freedom = _variance([total for total in totals if len(total) > 1])
        pooled = float(np.clip((seen - variances[several].sum()) / expected, 0, 1))
    correlation = np.where(several, (freedom * pooled + 1) / (freedom + 1), 1.0)
    return np.asarray(sizes / (1 + (mean_sizes - 1) * correlation))


def _variance(totals: list[np.ndarray]) -> tuple[float, float]:
    """The variance of a sum of independent totals, and its degrees of freedom by their fourth moments."""
    variance = uncertainty = 0.0
    for total in totals:
        squares, n = total**2, len(total)
        variance += n / (n - 1) * float(squares.sum())
        uncertainty += max(float((squares**2).sum() - squares.sum() ** 2 / n), 0.0)
    most = float(sum(len(total) - 1 for total in totals))
    return variance, min(2 * variance**2 / uncertainty, most) if uncertainty > 0 else most


def effective_share(influences: np.ndarray, clusters: np.ndarray | None) -> float:
    """The effective sample size as a share of the number of items: below 1 if items of a cluster are alike.

    influences: float (n,), with mean 0: the influence of each item on the estimate.
    """
    n = len(influences)
    own = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    if int(own.max(initial=-1)) + 1 == n:
        return 1.0
    sizes, totals = np.bincount(own).astype(float), np.bincount(own, influences) / n
    variance = float((influences**2).sum()) / n**2
    return float(effective_sizes([sizes], [totals], np.array([float(n)]), np.array([variance]))[0]) / n


def thinned(influences: Influences, sample: Sample, value: float, *, max_calls: int, seed: int) -> Influences:
    """The influences of items, counted as often as independent items would be that tell as much as their groups.

    The score is asked without each group, or with more than max_calls groups without each of some random blocks of
    them; where classes are strata, a group is of the class that most of its items have.
    """
    groups = sample.groups
    if groups is None:
        return influences
    parts = [np.bincount(groups[rows]) for rows in strata_of(sample)]
    rng = np.random.default_rng(seed)
    units = [np.arange(int(groups.max()) + 1)]
    if sample.by_class and kind_of(sample.labels) == CLASSES:
        label_of = _majority(groups, sample.labels)
        units = [np.flatnonzero(label_of == label) for label in np.unique(sample.labels)]
    cap = max(2, max_calls // len(units))
    totals = [_totals(sample, groups, own, value, cap, rng) for own in units]
    sizes = influences.sizes
    effective = effective_sizes(parts, totals, sizes, influences.variances)
    return replace(influences, counts=influences.counts * (effective / sizes)[influences.place])


def _totals(
    sample: Sample, groups: np.ndarray, units: np.ndarray, value: float, cap: int, rng: np.random.Generator
) -> np.ndarray:
    """What each group of a stratum, or each of some random blocks of groups, adds to the score, less their mean."""
    if len(units) < 2:
        return np.zeros(len(units))
    if len(units) > cap:
        units = rng.permutation(units)
    blocks = [np.flatnonzero(np.isin(groups, block)) for block in np.array_split(units, min(len(units), cap))]
    sizes = np.array([len(block) for block in blocks])
    own = np.array([influence(sample, block, value, int(sizes.sum())) for block in blocks])
    shares = sizes / sizes.sum()
    return np.asarray(shares * (own - (shares * own).sum()))


def _majority(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The class that most items of each group have, int (n_groups,)."""
    n_groups, n_labels = int(groups.max()) + 1, int(labels.max()) + 1
    counts = np.bincount(groups * n_labels + labels, minlength=n_groups * n_labels)
    return np.asarray(counts.reshape(n_groups, n_labels).argmax(axis=1))
