"""Other uses of the same labels: gaps in accuracy between groups, and whether they are within a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from autotl.evidence.shares.post_stratified import LabelledSample, accuracy
from autotl.interfaces import ScoreInterval

TOLERANCE = 0.10
"""The default tolerance for the gap between the accuracy of a group and that of the others."""
LEVEL = 0.95
Verdict: TypeAlias = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class GroupGap:
    """The gap in accuracy between a group and all other items.

    difference: group minus others, with an interval that is simultaneous for all groups. verdict: "pass" if the whole
    interval is within the tolerance, "fail" if all of it is outside, "undecided" otherwise. n_more: number of further
    labels that would decide it if the difference stays the same; 0 if it is decided, None if no number would.
    """

    group: str
    n_labelled: int
    difference: ScoreInterval
    verdict: Verdict
    n_more: int | None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "group": self.group, "n_labelled": self.n_labelled, "difference": self.difference.to_json(),
            "verdict": self.verdict, "n_more": self.n_more,
        }  # fmt: skip


def difference(first: ScoreInterval, second: ScoreInterval) -> ScoreInterval:
    """first - second, for independent samples, from the intervals of both (Newcombe 1998, method 10)."""
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return ScoreInterval(value, max(value - below, -1.0), min(value + above, 1.0))


def group_gaps(
    sample: LabelledSample, groups: Mapping[str, np.ndarray], tolerance: float = TOLERANCE
) -> tuple[GroupGap, ...]:
    """The accuracy of each group minus that of all other items, with Bonferroni's correction for the number of groups.

    groups: a mask for each name, bool (n_items,). Of two groups, only the first is compared, since the second is its
    complement. A group is left out if it has no labels, or if there are none outside it.
    """
    found = []
    compared = dict(list(groups.items())[:1]) if len(groups) == 2 else groups
    for name, items in compared.items():
        inside, outside = sample.restrict(items), sample.restrict(~items)
        if not len(inside.rows) or not len(outside.rows):
            continue
        level = 1 - (1 - LEVEL) / len(compared)
        gap = difference(accuracy(inside, level), accuracy(outside, level))
        found.append(
            GroupGap(name, len(inside.rows), gap, verdict(gap, tolerance), _more(gap, len(sample.rows), tolerance))
        )
    return tuple(found)


def verdict(gap: ScoreInterval, tolerance: float = TOLERANCE) -> Verdict:
    """Whether a difference is within the tolerance: pass, fail, or undecided if its interval contains both."""
    if -tolerance <= gap.low and gap.high <= tolerance:
        return "pass"
    return "fail" if gap.low > tolerance or gap.high < -tolerance else "undecided"


def decided_with(gap: GroupGap, n_labels: int, n_now: int) -> bool:
    """Whether n_labels labels instead of n_now would decide the gap, if the difference stays the same."""
    return gap.n_more == 0 or (gap.n_more is not None and n_now + gap.n_more <= n_labels)


def _more(gap: ScoreInterval, n_now: int, tolerance: float) -> int | None:
    """The further labels at which the interval ends at the tolerance, as its width falls with their square root."""
    if verdict(gap, tolerance) != "undecided":
        return 0
    size = abs(gap.value)
    room = abs(tolerance - size)
    if room < 0.001:
        return None
    if size > tolerance:
        half = gap.value - gap.low if gap.value > 0 else gap.high - gap.value
    else:
        half = max((gap.high - gap.value) / (tolerance - gap.value), (gap.value - gap.low) / (tolerance + gap.value))
        room = 1.0
    return max(1, math.ceil(n_now * (half / room) ** 2) - n_now)
