"""The subgroup audit of a run, as run.json holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from autotl.runtime.wording import counted, listed
from autotl.scores import ScoreInterval

GateStatus: TypeAlias = Literal["pass", "fail", "undecided"]
PASS: GateStatus = "pass"
FAIL: GateStatus = "fail"
UNDECIDED: GateStatus = "undecided"
ABSOLUTE_ERROR, BIAS = "mean absolute error", "bias"
"""The rates of numbers, in their unit; bias: the mean of predicted less true."""
MOST_NEEDED = 100_000
"""The most labels to suggest: a gap close to the tolerance would need arbitrarily many."""


def rate_in_words(rate: str) -> str:
    """Such as "recall of cat" for "recall[cat]"."""
    kind, _, of_class = rate.removesuffix("]").partition("[") if rate.endswith("]") else (rate, "", "")
    return f"{kind} of {of_class}" if of_class else kind


@dataclass(frozen=True)
class GroupRates:
    """Performance on one group.

    rates: "error", "calibration", and per class, such as "recall[cat]"; of labels "error", the Hamming loss, "recall",
    and per label; of numbers "mean absolute error" and "bias".
    """

    group: str
    n_items: int
    rates: Mapping[str, ScoreInterval]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        rates = {name: rate.to_json() for name, rate in self.rates.items()}
        return {"group": self.group, "n_items": self.n_items, "rates": rates}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> GroupRates:
        """Read what `to_json` returned."""
        rates = {str(name): ScoreInterval.from_json(rate) for name, rate in document["rates"].items()}
        return cls(str(document["group"]), int(document["n_items"]), rates)


@dataclass(frozen=True)
class Deviation:
    """The difference in one rate between a group and all items, with a simultaneous interval over all groups.

    p_value: for the null hypothesis of no deviation, corrected for the number of comparisons.
    """

    group: str
    rate: str
    value: ScoreInterval
    p_value: float

    @property
    def is_claimed(self) -> bool:
        """Whether its interval excludes 0."""
        return self.value.low > 0 or self.value.high < 0

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {"group": self.group, "rate": self.rate, "value": self.value.to_json(), "p_value": self.p_value}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Deviation:
        """Read what `to_json` returned."""
        value = ScoreInterval.from_json(document["value"])
        return cls(str(document["group"]), str(document["rate"]), value, float(document["p_value"]))


@dataclass(frozen=True)
class Gap:
    """How much worse the model is on one group than on another group of the same attributes.

    rate: "error", the recall of a class, or "mean absolute error". value: at least 0, with a simultaneous interval over
    all gaps.
    if_equal, if_equal_high: the largest gap in this rate between these attributes' groups expected by chance alone:
    its mean and its 95th percentile. Known only for `AuditSummary.worst`, otherwise 0.
    """

    rate: str
    worse: str
    better: str
    value: ScoreInterval
    if_equal: float = 0.0
    if_equal_high: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "rate": self.rate, "worse": self.worse, "better": self.better, "value": self.value.to_json(),
            "if_equal": self.if_equal, "if_equal_high": self.if_equal_high,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Gap:
        """Read what `to_json` returned."""
        return cls(
            str(document["rate"]), str(document["worse"]), str(document["better"]),
            ScoreInterval.from_json(document["value"]),
            float(document.get("if_equal") or 0), float(document.get("if_equal_high") or 0),
        )  # fmt: skip


@dataclass(frozen=True)
class Gate:
    """Whether the gaps between groups are within a tolerance.

    status: "fail" if one gap exceeds max_gap with 95 % certainty, "pass" if every gap is at most max_gap with 95 %
    certainty and every value of the attributes could be compared, otherwise "undecided". gap: the one that decides, or
    the one that may be the largest; None if no two groups can be compared. needed: by group, how many more labelled
    items would decide it with a power of 80 % if the true gaps equal the observed ones. lacking: by value that is too
    small to be compared, how many items it lacks for that.
    """

    status: GateStatus
    max_gap: float
    gap: Gap | None = None
    needed: Mapping[str, int] = field(default_factory=dict)
    lacking: Mapping[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        tolerance = f"the tolerance of {100 * self.max_gap:g} points"
        if self.gap is None:
            return (
                f"Whether the gaps between groups are within {tolerance} cannot be said: no two groups are large "
                f"enough{self._too_small}"
            )
        value, pair = self.gap.value, f"{rate_in_words(self.gap.rate)} between {self.gap.worse} and {self.gap.better}"
        if self.status == PASS:
            return (
                f"Every gap between groups that could be compared is within {tolerance}: the largest is at most "
                f"{100 * value.high:.1f} points"
            )
        found = f"{100 * value.value:.1f} points (95 % interval {100 * value.low:.1f} to {100 * value.high:.1f})"
        if self.status == FAIL:
            return f"The gap in {pair} exceeds {tolerance}: {found}"
        if value.high <= self.max_gap:
            return (
                f"Whether the gaps between groups are within {tolerance} is undecided: every gap that could be "
                f"measured is, and the largest is at most {100 * value.high:.1f} points{self._too_small}"
            )
        sentence = f"Whether the gaps between groups are within {tolerance} is undecided: in {pair} it is {found}"
        if self.needed:
            over = {group: "over " if n >= MOST_NEEDED else "" for group, n in self.needed.items()}
            more = ", ".join(f"{over[group]}{n:,} of {group}" for group, n in list(self.needed.items())[:4])
            rest = len(self.needed) - 4
            sentence += (
                f". More labelled images would decide it: {more}{f' and {rest} more groups' if rest > 0 else ''}"
            )
        return sentence + self._too_small

    @property
    def _too_small(self) -> str:
        more = listed(
            (f"{name} needs at least {counted(n, 'more labelled image')}" for name, n in self.lacking.items()), most=4
        )
        return f". Too small to be compared: {more}" if more else ""

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        gap = self.gap.to_json() if self.gap else None
        return {"status": self.status, "max_gap": self.max_gap, "gap": gap, "needed": dict(self.needed),
                "lacking": dict(self.lacking)}  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Gate:
        """Read what `to_json` returned."""
        gap, counts = document.get("gap"), (document.get(name) or {} for name in ("needed", "lacking"))
        status = document["status"]
        if status not in (PASS, FAIL, UNDECIDED):
            raise ValueError(f"the gate is {status!r}; expected pass, fail or undecided")
        return cls(
            status, float(document["max_gap"]), Gap.from_json(gap) if gap else None,
            *({str(group): int(n) for group, n in one.items()} for one in counts),
        )  # fmt: skip


@dataclass(frozen=True)
class Forced:
    """A registration despite the gate. time: seconds since the epoch."""

    reason: str
    time: float

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {"reason": self.reason, "time": self.time}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Forced:
        """Read what `to_json` returned."""
        return cls(str(document["reason"]), float(document["time"]))


@dataclass(frozen=True)
class AuditSummary:
    """What the audit of a champion found.

    attributes: the audited ones; not_auditable: the others, with their number of values. n_items: number of held-out
    answers by source ("search", "test"). overall: rates over all items; groups: rates of each group. too_small: groups
    too small to be judged, with their number of items. n_compared: number of deviations tested; claims: those whose
    intervals exclude 0, the most certain first. worst: the largest gap in error between two groups, None if no two
    groups can be compared. gate: None without a tolerance. forced: a registration despite the gate.
    """

    attributes: tuple[str, ...]
    n_items: Mapping[str, int]
    overall: Mapping[str, ScoreInterval] = field(default_factory=dict)
    groups: tuple[GroupRates, ...] = ()
    too_small: Mapping[str, int] = field(default_factory=dict)
    not_auditable: Mapping[str, int] = field(default_factory=dict)
    n_compared: int = 0
    claims: tuple[Deviation, ...] = ()
    worst: Gap | None = None
    gate: Gate | None = None
    forced: Forced | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "attributes": list(self.attributes), "n_items": dict(self.n_items),
            "overall": {name: rate.to_json() for name, rate in self.overall.items()},
            "groups": [group.to_json() for group in self.groups], "too_small": dict(self.too_small),
            "not_auditable": dict(self.not_auditable), "n_compared": self.n_compared,
            "claims": [claim.to_json() for claim in self.claims], "worst": self.worst and self.worst.to_json(),
            "gate": self.gate and self.gate.to_json(), "forced": self.forced and self.forced.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> AuditSummary:
        """Read what `to_json` returned."""

        def counts(name: str) -> dict[str, int]:
            return {str(key): int(n) for key, n in (document.get(name) or {}).items()}

        worst, gate, forced = (document.get(name) for name in ("worst", "gate", "forced"))
        return cls(
            attributes=tuple(map(str, document["attributes"])), n_items=counts("n_items"),
            overall={str(k): ScoreInterval.from_json(v) for k, v in (document.get("overall") or {}).items()},
            groups=tuple(map(GroupRates.from_json, document.get("groups") or ())),
            too_small=counts("too_small"), not_auditable=counts("not_auditable"),
            n_compared=int(document.get("n_compared") or 0),
            claims=tuple(map(Deviation.from_json, document.get("claims") or ())),
            worst=Gap.from_json(worst) if worst else None, gate=Gate.from_json(gate) if gate else None,
            forced=Forced.from_json(forced) if forced else None,
        )  # fmt: skip
