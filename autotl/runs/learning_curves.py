"""A run's learning curve: the expected gain from more images, overall and for each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotl.scores import UNDEFINED, ScoreInterval

BALANCED_ACCURACY = "balanced accuracy"


@dataclass(frozen=True)
class CurvePoint:
    """The score at a number of training images; is_measured: False if extrapolated."""

    n_images: int
    score: ScoreInterval
    is_measured: bool

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {"n_images": self.n_images, "score": self.score.to_json(), "is_measured": self.is_measured}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> CurvePoint:
        """Read what `to_json` returned."""
        score = ScoreInterval.from_json(document["score"])
        return cls(int(document["n_images"]), score, bool(document["is_measured"]))


@dataclass(frozen=True)
class ClassWorth:
    """The expected gain from more images of one class.

    n_images: number of training images of the class; recall: its recall with these, with a 95 % interval; gain: the
    expected change in recall from `more` images of this class alone, with an 80 % interval.
    """

    label: str
    n_images: int
    recall: ScoreInterval
    gain: ScoreInterval = UNDEFINED

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "class": self.label, "n_images": self.n_images, "recall": self.recall.to_json(),
            "gain": self.gain.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ClassWorth:
        """Read what `to_json` returned."""
        recall, gain = (ScoreInterval.from_json(document[name]) for name in ("recall", "gain"))
        return cls(str(document["class"]), int(document["n_images"]), recall, gain)


@dataclass(frozen=True)
class MoreImages:
    """The expected gain from more images.

    head: the head that was measured, in words. points: by number of images. twice: the expected gain from doubling the
    images, with its 80 % interval. classes: the gain for each class from `more` images of it, the lowest recall first.
    left_out: classes for which there was no time. why_not: why nothing is known. score: of the points, in words.
    """

    head: str = ""
    points: tuple[CurvePoint, ...] = ()
    twice: ScoreInterval = UNDEFINED
    more: int = 30
    classes: tuple[ClassWorth, ...] = ()
    left_out: tuple[str, ...] = ()
    why_not: str = ""
    score: str = BALANCED_ACCURACY

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "head": self.head, "points": [point.to_json() for point in self.points], "twice": self.twice.to_json(),
            "more": self.more, "classes": [one.to_json() for one in self.classes], "left_out": list(self.left_out),
            "why_not": self.why_not, "score": self.score,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> MoreImages:
        """Read what `to_json` returned."""
        return cls(
            head=str(document.get("head") or ""),
            points=tuple(map(CurvePoint.from_json, document.get("points") or ())),
            twice=ScoreInterval.from_json(document.get("twice") or {}),
            more=int(document.get("more") or 0),
            classes=tuple(map(ClassWorth.from_json, document.get("classes") or ())),
            left_out=tuple(map(str, document.get("left_out") or ())),
            why_not=str(document.get("why_not") or ""),
            score=str(document.get("score") or BALANCED_ACCURACY),
        )
