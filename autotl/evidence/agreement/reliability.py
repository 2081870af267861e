"""Reliability: agreement between coders beyond chance, for all coders and for each pair."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np

from autotl.evidence.agreement.coding_table import CodingTable
from autotl.evidence.agreement.mean_interval import mean_interval
from autotl.evidence.design_effects import effective_share
from autotl.evidence.intervals import wilson
from autotl.evidence.tilting import Influences, changes_not_excluded
from autotl.interfaces import UNDEFINED, ScoreInterval

N_RESAMPLES = 2000
_BLOCK = 250
"""Number of resamples computed at a time, to limit memory."""


@dataclass(frozen=True)
class PairAgreement:
    """Two coders. n_items: items that both coded. agreement: share with the same label. kappa: Cohen's kappa."""

    first: str
    second: str
    n_items: int
    agreement: ScoreInterval
    kappa: ScoreInterval


@dataclass(frozen=True)
class Reliability:
    """How far coders agree.

    alpha: Krippendorff's alpha for nominal data; undefined if no item has two codings, or if all labels are the same.
    n_items: number of items with at least two codings, from which alpha is computed; n_codings: number of their
    codings. why_undefined: empty if alpha is defined. pairs: in the order of the coders.
    """

    alpha: ScoreInterval
    n_items: int
    n_codings: int
    pairs: tuple[PairAgreement, ...]
    why_undefined: str = ""


def reliability(table: CodingTable, *, clusters: np.ndarray | None = None, seed: int = 0) -> Reliability:
    """Alpha and pairwise kappas, with 95 % intervals. clusters: (n_items,), equal for items that are alike."""
    shared = table.votes.sum(axis=1) >= 2
    votes = table.votes[shared]
    own = None if clusters is None else clusters[shared]
    return Reliability(
        alpha=krippendorff_alpha(votes, clusters=own, seed=seed),
        n_items=len(votes),
        n_codings=int(votes.sum()),
        pairs=tuple(_pairs(table, clusters)),
        why_undefined=_why_undefined(votes),
    )


def krippendorff_alpha(votes: np.ndarray, *, clusters: np.ndarray | None = None, seed: int = 0) -> ScoreInterval:
    """Krippendorff's alpha for nominal data (2011, Computing Krippendorff's Alpha-Reliability), with a 95 % interval.

    votes: float (n_items, n_classes), how many coders gave each label; every item has at least two. The interval is
    a percentile bootstrap over items or clusters. If no two coders disagree on any item, the lower end comes from the
    upper Wilson bound of the share of disagreement (Wilson 1927). Undefined unless there are two different labels.
    """
    if _why_undefined(votes):
        return UNDEFINED
    value = float(_alphas(votes, np.ones((1, len(votes))))[0])
    groups = np.arange(len(votes)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    n_groups = int(groups.max()) + 1
    if n_groups < 2:
        return ScoreInterval(value)
    if not _disagreement(votes).any():
        totals = votes.sum(axis=0)
        by_chance = float((totals * (totals.sum() - totals)).sum() / totals.sum() / (totals.sum() - 1))
        return ScoreInterval(value, max(1 - wilson(0, n_groups).high / by_chance, -1.0), 1.0)
    random, found = np.random.default_rng(seed), []
    for _ in range(N_RESAMPLES // _BLOCK):
        times = random.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=_BLOCK)
        found.append(_alphas(votes, times[:, groups].astype(float)))
    drawn = np.concatenate(found)
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, (0.025, 0.975)) if len(drawn) else (math.nan, math.nan)
    return ScoreInterval(value, min(float(low), value), max(float(high), value)) if low < high else ScoreInterval(value)


def _disagreement(votes: np.ndarray) -> np.ndarray:
    """Ordered pairs of codings of an item with different labels, divided by the number of codings minus 1."""
    n = votes.sum(axis=1)
    return np.asarray((votes * (n[:, None] - votes)).sum(axis=1) / (n - 1))


def _alphas(votes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Alpha of each resample; NaN if it has a single label. times: float (n_resamples, n_items)."""
    observed, totals = times @ _disagreement(votes), times @ votes
    n = totals.sum(axis=1)
    expected = (totals * (n[:, None] - totals)).sum(axis=1) / np.maximum(n - 1, 1)
    alphas = np.full(len(times), np.nan)
    np.divide(observed, expected, out=alphas, where=expected > 0)
    return 1 - alphas


def _why_undefined(votes: np.ndarray) -> str:
    if not len(votes):
        return "no image was coded by two people"
    if (votes.sum(axis=0) > 0).sum() < 2:
        return "every label is the same, so that agreement cannot be distinguished from chance"
    return ""


def _pairs(table: CodingTable, clusters: np.ndarray | None) -> list[PairAgreement]:
    found = []
    for one, two in combinations(range(len(table.coders)), 2):
        both = table.given[:, one] & table.given[:, two]
        first, second = table.codes[both, one], table.codes[both, two]
        own = None if clusters is None else clusters[both]
        agreement = mean_interval((first == second).astype(float), (0.0, 1.0), clusters=own)
        kappa = cohen_kappa(first, second, len(table.classes), clusters=own)[0]
        found.append(PairAgreement(table.coders[one], table.coders[two], len(first), agreement, kappa))
    return found


def cohen_kappa(
    first: np.ndarray, second: np.ndarray, n_classes: int, *, clusters: np.ndarray | None = None
) -> tuple[ScoreInterval, float]:
    """Cohen's kappa of two coders with a 95 % interval, and its standard error (Fleiss, Cohen & Everitt 1969).

    first, second: int (n,), classes of the same items. Undefined if both used a single, identical label. The interval
    is a score interval (see `tilting`), whose width is above 0 even if the coders agree on every item.
    """
    n = len(first)
    table = np.bincount(first * n_classes + second, minlength=n_classes**2).reshape(n_classes, n_classes) / max(n, 1)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    observed, expected = float(np.trace(table)), float(rows @ columns)
    if not n or expected >= 1 - 1e-12:
        return UNDEFINED, math.nan
    value = (observed - expected) / (1 - expected)
    # The influence of a pair of labels on the observed and the expected agreement, to first order.
    seen = np.eye(n_classes) - observed
    by_chance = columns[:, None] + rows[None, :] - 2 * expected
    influence = (seen * (1 - expected) - (1 - observed) * by_chance) / (1 - expected) ** 2
    used = (rows > 0) | (columns > 0)
    kinds, counts = influence[np.ix_(used, used)].ravel(), n * table[np.ix_(used, used)].ravel()
    share = effective_share(influence[first, second], clusters)
    error = math.sqrt(float((counts * kinds**2).sum()) / n**2 / share)
    z = NormalDist().inv_cdf(0.975)
    below, above = changes_not_excluded(Influences(kinds, counts * share, np.zeros(len(kinds), dtype=int)), z)
    return ScoreInterval(value, max(value + below, -1.0), min(value + above, 1.0)), error
