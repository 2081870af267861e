"""The results of an estimate of class shares, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autotl.evidence.shares.planning import Widths
from autotl.evidence.shares.uses import GroupGap
from autotl.interfaces import ScoreInterval


@dataclass(frozen=True)
class Part:
    """Shares and accuracy among some images, in class order; undefined without labels.

    naive: share of the model's answers for each class.
    """

    name: str
    n_items: int
    n_labelled: int
    naive: tuple[float, ...]
    shares: tuple[ScoreInterval, ...]
    accuracy: ScoreInterval

    def shares_json(self, classes: Sequence[str]) -> dict[str, object]:
        """By class, the corrected share with its interval, and the naive share."""
        return {
            name: {**one.to_json(), "naive": naive}
            for name, one, naive in zip(classes, self.shares, self.naive, strict=True)
        }


@dataclass(frozen=True)
class LabelCounts:
    """How many codings were used or left out.

    unresolved: images without a majority among the coders; trained_on, unreadable, not_drawn: coded images that are
    left out; removed: those that are no longer among the images. how: where the inclusion probabilities come from:
    "drawn", "given" or "assumed" to be equal.
    """

    coders: tuple[str, ...]
    used: int
    unresolved: int
    trained_on: int
    unreadable: int
    not_drawn: int
    removed: int
    how: str


@dataclass(frozen=True)
class SinceDraw:
    """What has changed since a sample was drawn. drawn_from: number of images that could be drawn."""

    drawn_from: int
    added: int
    removed: int


@dataclass(frozen=True)
class LabelPlan:
    """How many labels are needed to estimate every share within a given precision.

    within: half-width of an interval. needed: the expected precision with `n_needed` labels, including existing ones.
    """

    within: float
    n_needed: int
    needed: Widths


@dataclass(frozen=True)
class Findings:
    """Shares among the images that the model was not trained on.

    whole: all images; groups: those of each value of the column `by`. labels: None without codings. sample: None unless
    the labels are of a drawn sample; then these are the images that could be drawn. tested: the model's accuracy on its
    test split. change: the accuracy here minus that; undefined without codings. tolerance: the largest tolerated
    difference in accuracy between groups. cross_check: by method, the share of each class.
    """

    classes: tuple[str, ...]
    whole: Part
    groups: tuple[Part, ...]
    by: str | None
    labels: LabelCounts | None
    sample: SinceDraw | None
    n_trained_on: int
    n_unreadable: int
    tested: ScoreInterval
    change: ScoreInterval
    tolerance: float
    gaps: tuple[GroupGap, ...]
    cross_check: Mapping[str, Mapping[str, float | None]]
    plan: LabelPlan

    @property
    def method(self) -> str:
        """How the shares were estimated."""
        return "post-stratified" if self.labels else "naive"

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "method": self.method,
            "n_items": self.whole.n_items,
            "n_labelled": self.whole.n_labelled,
            "left_out": {"trained_on": self.n_trained_on, "unreadable": self.n_unreadable},
            "labels": None if self.labels is None else {**vars(self.labels), "coders": list(self.labels.coders)},
            "sample": None if self.sample is None else dict(vars(self.sample)),
            "shares": self.whole.shares_json(self.classes),
            "by": {part.name: part.shares_json(self.classes) for part in self.groups},
            "groups": {part.name: {"n_items": part.n_items, "n_labelled": part.n_labelled} for part in self.groups},
            "uses": self._uses(),
            "cross_check": {name: dict(shares) for name, shares in self.cross_check.items()},
            "plan": {
                "share_within": self.plan.within, "n_labels": self.plan.n_needed,
                "n_more": max(0, self.plan.n_needed - self.whole.n_labelled),
                "expected": {"share": self.plan.needed.share, "accuracy": self.plan.needed.accuracy},
            },
        }  # fmt: skip

    def _uses(self) -> dict[str, object]:
        """All uses of the same labels: shares, accuracy, gaps and monitoring."""
        return {
            "share": {name: one.to_json() for name, one in zip(self.classes, self.whole.shares, strict=True)},
            "accuracy": {
                **self.whole.accuracy.to_json(),
                "by": {part.name: part.accuracy.to_json() for part in self.groups},
            },
            "gap": {"tolerance": self.tolerance, "groups": [gap.to_json() for gap in self.gaps]},
            "monitoring": {"tested": self.tested.to_json(), "change": self.change.to_json()},
        }
