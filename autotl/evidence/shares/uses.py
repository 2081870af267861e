"""What the same labels say besides the shares: accuracy, gaps between groups, and whether the model holds up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from autotl.evidence.shares.post_stratified import LabelledSample, accuracy
from autotl.interfaces import ScoreInterval

TOLERANCE = 0.10
"""The accuracy of a group may differ so much from that of the others, unless the run has a largest gap of its own."""
LEVEL = 0.95
Verdict: TypeAlias = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class GroupGap:
    """How much more often the model is right in a group than in the others.

    difference: of the accuracies, with an interval that holds for all groups together. verdict: pass if no difference
    beyond the tolerance is left in the interval, fail if nothing else is. n_more: labels that would decide it if
    the difference stays as it is; 0 where it is decided, None if no number of labels would.
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
    """first - second, of independent samples, from their own intervals (Newcombe 1998, method 10)."""
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return ScoreInterval(value, max(value - below, -1.0), min(value + above, 1.0))


def group_gaps(
    sample: LabelledSample, groups: Mapping[str, np.ndarray], tolerance: float = TOLERANCE
) -> tuple[GroupGap, ...]:
    """Each group's accuracy against that of all other items, by Bonferroni's level for all groups at once.

    groups: by name, bool (n_items,). Of two groups, only the first is compared: the second is all others. Groups in
    which, or outside which, nothing is labelled are left out.
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
    """Whether a difference is within the tolerance: pass, fail, or undecided where its interval has both."""
    if -tolerance <= gap.low and gap.high <= tolerance:
        return "pass"
    return "fail" if gap.low > tolerance or gap.high < -tolerance else "undecided"


def decided_with(gap: GroupGap, n_labels: int, n_now: int) -> bool:
    """Whether so many labels instead of n_now would decide a gap whose difference stays as it is."""
    return gap.n_more == 0 or (gap.n_more is not None and n_now + gap.n_more <= n_labels)


def _more(gap: ScoreInterval, n_now: int, tolerance: float) -> int | None:
    """The labels that shrink the interval until it ends at the tolerance: its width falls with the root of them."""
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
