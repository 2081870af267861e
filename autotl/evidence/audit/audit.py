"""The subgroup audit of a champion: rates, claims, the largest gap, and the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from autotl.evidence.audit.comparisons import RESAMPLES, Comparisons, compare
from autotl.evidence.audit.gate import decide, gap_at
from autotl.evidence.audit.grouped import Grouped, Sums
from autotl.evidence.audit.measures import MeasuredSums, label_measures, number_measures
from autotl.evidence.audit.rates import ClassRates
from autotl.evidence.audit.subgroups import FEWEST_ITEMS, Subgroups, find_subgroups
from autotl.evidence.audit.sums import ERROR
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.runs.audit import ABSOLUTE_ERROR, AuditSummary, Deviation, Gap, GroupRates
from autotl.targets import LABELS, NUMBER, kind_of

_FEWER_RESAMPLES, _MANY_ENTRIES = 1000, 200_000
_SIMULATIONS = 2000


@dataclass(frozen=True, eq=False)
class Audit:
    """The results. deviations: all that were tested, in any order. subgroups: the groups with their members."""

    summary: AuditSummary
    deviations: tuple[Deviation, ...]
    subgroups: Subgroups


def unseen_answers(searched: Predictions, tested: Predictions) -> Predictions:
    """The held-out answers of the search and the test, each item once; if it has both, the test answer is used."""
    others = ~np.isin(searched.items, tested.items)
    return Predictions(
        np.concatenate([searched.items[others], tested.items]),
        np.concatenate([searched.labels[others], tested.labels]),
        np.concatenate([searched.probabilities[others], tested.probabilities]),
    )


class _Rates(Protocol):
    """The rates of answers: those of all classes, or the measures of labels or of numbers.

    names: of the rates, in the order of the metrics of `gather`.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    def gather(self, groups: Sequence[np.ndarray]) -> Grouped: ...

    def of(self, members: np.ndarray, *, by_class: bool = True) -> dict[str, ScoreInterval]: ...


def audit(
    answers: Predictions,
    attributes: Mapping[str, np.ndarray],
    classes: Sequence[str],
    *,
    least: np.ndarray | None = None,
    clusters: np.ndarray | None = None,
    max_gap: float | None = None,
    n_items: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Audit:
    """Audit the answers to held-out items.

    attributes: the values of each attribute, one text per answer, empty if unknown. least: float (n_labels,), the
    probability from which on each of several labels applies; one half if None. clusters: (n,), equal for items that
    are alike. max_gap: the largest tolerated gap in error or recall between two groups of the same attribute or pair of
    attributes; None for no gate. n_items: number of answers by their origin.
    """
    subgroups = find_subgroups(attributes)
    large = subgroups.large
    names = [group.name for group in large]
    rated = _rates(answers, classes, least, clusters)
    counted = rated.gather([group.members for group in large])
    many = len(counted.item) > _MANY_ENTRIES
    compared = compare(
        counted, list(subgroups.families.values()), seed=seed, resamples=_FEWER_RESAMPLES if many else RESAMPLES
    )
    deviations = _deviations(compared, names, rated.names)
    sums = counted.sums()[0]
    everyone = np.ones(len(answers.items), dtype=bool)
    lacking = {one.name: FEWEST_ITEMS - one.n_items for one in subgroups.small if len(one.attributes) == 1}
    summary = AuditSummary(
        attributes=tuple(name for name in attributes if name not in subgroups.not_auditable),
        n_items=dict(n_items or {"all": len(everyone)}),
        overall=rated.of(everyone),
        groups=tuple(
            GroupRates(one.name, one.n_items, rated.of(one.members, by_class=len(one.attributes) == 1)) for one in large
        ),
        too_small={group.name: group.n_items for group in subgroups.small},
        not_auditable=subgroups.not_auditable,
        n_compared=len(deviations),
        claims=tuple(sorted((d for d in deviations if d.is_claimed), key=_doubt)),
        worst=_worst(compared, subgroups, sums, names, rated.names, seed),
        gate=None if max_gap is None else decide(compared, max_gap, sums, names, rated.names, lacking),
    )
    return Audit(summary, deviations, subgroups)


def _rates(
    answers: Predictions, classes: Sequence[str], least: np.ndarray | None, clusters: np.ndarray | None
) -> _Rates:  # fmt: skip
    kind = kind_of(answers.labels)
    if kind == NUMBER:
        return number_measures(answers, clusters)
    if kind == LABELS:
        return label_measures(answers, classes, np.full(len(classes), 0.5) if least is None else least, clusters)
    return ClassRates(answers, classes, clusters)


def _deviations(compared: Comparisons, names: Sequence[str], rates: Sequence[str]) -> tuple[Deviation, ...]:
    family = compared.deviations
    columns = zip(compared.cells, family.values, family.low, family.high, family.p_values, strict=True)
    return tuple(
        Deviation(names[group], rates[metric], ScoreInterval(float(value), float(low), float(high)), float(p))
        for (group, metric), value, low, high, p in columns
    )


def _doubt(deviation: Deviation) -> float:
    """The width of the interval relative to the deviation: smallest for the most certain claim."""
    return (deviation.value.high - deviation.value.low) / abs(deviation.value.value)


def _worst(
    compared: Comparisons, subgroups: Subgroups, sums: Sums, names: Sequence[str], rates: Sequence[str], seed: int
) -> Gap | None:
    """The largest gap in error between groups of one attribute, and the gap to expect by chance alone."""
    error = next(place for place, name in enumerate(rates) if name in (ERROR, ABSOLUTE_ERROR))
    single = np.array([len(group.attributes) == 1 for group in subgroups.large], dtype=bool)
    candidates = [place for place, (first, _, metric) in enumerate(compared.pairs) if metric == error and single[first]]
    if not candidates:
        return None
    place = max(candidates, key=lambda place: abs(compared.gaps.values[place]))
    family = next(own for own in subgroups.families.values() if int(compared.pairs[place][0]) in own)
    sizes, effects = sums.denominators[family, error], compared.effects[family, error]
    # If items are alike, the effective sample sizes.
    effective = np.maximum(np.rint(sizes / effects), 1).astype(int)
    if isinstance(sums, MeasuredSums):
        whole = replace(sums, counts=sums.counts[family].sum(axis=0, keepdims=True))
        mean, high = range_if_equal(np.sqrt(whole.variances[0, error] / effective), seed=seed)
    else:
        share = float(sums.numerators[family, error].sum() / sizes.sum())
        mean, high = gap_if_equal(effective, share, seed=seed)
    return replace(gap_at(compared, place, names, rates), if_equal=mean, if_equal_high=high)


def range_if_equal(errors: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """The largest gap to expect if all groups have the same true mean: the mean and the 95 % quantile.

    errors: float (n_groups,), the standard error of each group's mean.
    """
    gaps = np.ptp(np.random.default_rng(seed).normal(0, errors, size=(_SIMULATIONS, len(errors))), axis=1)
    return float(gaps.mean()), float(np.quantile(gaps, 0.95))


def gap_if_equal(sizes: np.ndarray, share: float, *, seed: int = 0) -> tuple[float, float]:
    """The largest gap to expect if all groups have the same true share: the mean and the 95 % quantile.

    sizes: int (n_groups,), number of independent items of each group.
    """
    drawn = np.random.default_rng(seed).binomial(sizes, share, size=(_SIMULATIONS, len(sizes))) / sizes
    gaps = np.ptp(drawn, axis=1)
    return float(gaps.mean()), float(np.quantile(gaps, 0.95))
