"""The gate: whether the gaps between groups are within a tolerance, exceed it, or cannot be decided yet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from autotl.evidence.audit.comparisons import Comparisons
from autotl.evidence.audit.grouped import Sums
from autotl.interfaces import ScoreInterval
from autotl.runs.audit import ABSOLUTE_ERROR, FAIL, MOST_NEEDED, PASS, UNDECIDED, Gap, Gate


def gap_at(compared: Comparisons, place: int, groups: Sequence[str], rates: Sequence[str]) -> Gap:
    """One of the compared gaps, with the sign chosen so that it is at least 0."""
    first, second, metric = map(int, compared.pairs[place])
    value, low, high = (float(part[place]) for part in (compared.gaps.values, compared.gaps.low, compared.gaps.high))
    # A larger recall is better, a larger error worse.
    worse, better = (first, second) if (value > 0) == (rates[metric] in ("error", ABSOLUTE_ERROR)) else (second, first)
    if value < 0:
        value, low, high = -value, -high, -low
    high = high if rates[metric] == ABSOLUTE_ERROR else min(1.0, high)
    return Gap(rates[metric], groups[worse], groups[better], ScoreInterval(value, max(0.0, low), high))


def decide(
    compared: Comparisons,
    max_gap: float,
    sums: Sums,
    groups: Sequence[str],
    rates: Sequence[str],
    lacking: Mapping[str, int] | None = None,
) -> Gate:
    """Pass if the upper bound of every gap is at most max_gap; fail if the lower bound of one exceeds it.

    The bounds are simultaneous at 95 %, so either decision is wrong in at most 5 % of audits. sums: by group. groups,
    rates: names of the groups, and of the rates in the order of `sums.metrics`. lacking: by attribute value that could
    not be compared, how many items it lacks for that; a gate that has not failed is then undecided.
    """
    lacking = dict(lacking or {})
    gaps = compared.gaps
    if not len(gaps.values):
        return Gate(UNDECIDED, max_gap, lacking=lacking)
    at_least = np.maximum(gaps.low, -gaps.high)
    at_most = np.maximum(gaps.high, -gaps.low)
    if at_least.max() > max_gap:
        return Gate(FAIL, max_gap, gap_at(compared, int(at_least.argmax()), groups, rates), lacking=lacking)
    widest = gap_at(compared, int(at_most.argmax()), groups, rates)
    if at_most.max() <= max_gap:
        return Gate(UNDECIDED if lacking else PASS, max_gap, widest, lacking=lacking)
    return Gate(UNDECIDED, max_gap, widest, _needed(compared, max_gap, sums, groups), lacking)


def _needed(compared: Comparisons, max_gap: float, sums: Sums, groups: Sequence[str]) -> dict[str, int]:
    """How many more labelled items of each group would decide the gate, in descending order.

    With a gap of g and a standard error of s, all bounds are within the tolerance with a power of 80 % if s is at most
    (max_gap - g) / (factor + likely), where factor and likely are in standard errors; likewise for a gap above the
    tolerance. The gap is the observed one, shrunk towards 0 by its share of noise.
    """
    gaps = compared.gaps
    t_squared = (gaps.values / gaps.errors) ** 2
    shrunk = np.abs(gaps.values) * np.maximum(0, 1 - 1 / np.maximum(t_squared, 1e-12))
    wanted = np.abs(max_gap - shrunk) / (gaps.factor + gaps.likely)
    with np.errstate(divide="ignore"):
        times = np.maximum((gaps.errors / wanted) ** 2, 1)
    undecided = np.maximum(gaps.high, -gaps.low) > max_gap
    needed = np.zeros(len(groups))
    for (first, second, _), factor in zip(compared.pairs[undecided], times[undecided], strict=True):
        for group in (first, second):
            needed[group] = max(needed[group], sums.counts[group, 0] * (factor - 1))
    order = np.argsort(-needed, kind="stable")
    return {groups[i]: math.ceil(min(needed[i], MOST_NEEDED)) for i in order if needed[i] > 0}
