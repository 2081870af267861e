"""Shortcuts of a run: what else than the content tells the label, and whether the champion's errors follow it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autotl.scores import UNDEFINED, ScoreInterval


@dataclass(frozen=True)
class Following:
    """Whether the champion errs where a property misleads.

    n_misled, n_others: images whose class the property tells wrongly, and the others, of those that the champion has
    answered without having learned from them. error_misled, error_others: its share of errors among them.
    difference: misled less others, at equal class. association: rank correlation of the champion's certainty in the
    true class with the property's, at equal class. p_value: that the difference is not above 0, corrected by Holm for
    all properties of which this was asked. is_clear: whether that is excluded.
    """

    n_misled: int
    n_others: int
    error_misled: float
    error_others: float
    difference: ScoreInterval
    association: ScoreInterval
    p_value: float = 1.0
    is_clear: bool = False

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "n_misled": self.n_misled, "n_others": self.n_others,
            "error_misled": _known(self.error_misled), "error_others": _known(self.error_others),
            "difference": self.difference.to_json(), "association": self.association.to_json(),
            "p_value": self.p_value, "is_clear": self.is_clear,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Following:
        """Read what `to_json` returned."""
        return cls(
            int(document["n_misled"]), int(document["n_others"]), _number(document["error_misled"]),
            _number(document["error_others"]), ScoreInterval.from_json(document["difference"]),
            ScoreInterval.from_json(document["association"]), float(document.get("p_value", 1)),
            bool(document.get("is_clear")),
        )  # fmt: skip


@dataclass(frozen=True)
class Shortcut:
    """How well one property tells the label by itself.

    name: of the property, such as "file format" or "top left corner". score: the balanced accuracy of a tiny
    cross-validated model that sees nothing else. p_value: that it tells the label no better than the margin, and, for a
    part of the image, no better than comparable parts; corrected by Holm for all properties. is_named: whether that
    is excluded. may_be_content: it is about how the image looks as a whole, which may be part of what is shown. label:
    the class that it singles out, empty if it tells all classes apart. example: what shows it best. following: None
    where it was not looked at, as for properties that are not named.
    """

    name: str
    score: ScoreInterval = UNDEFINED
    p_value: float = 1.0
    is_named: bool = False
    may_be_content: bool = False
    label: str = ""
    example: str = ""
    following: Following | None = None

    @property
    def is_followed(self) -> bool:
        """Whether the champion's errors follow it."""
        return self.following is not None and self.following.is_clear

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "name": self.name, "score": self.score.to_json(), "p_value": self.p_value, "is_named": self.is_named,
            "may_be_content": self.may_be_content, "label": self.label, "example": self.example,
            "following": self.following and self.following.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Shortcut:
        """Read what `to_json` returned."""
        following = document.get("following")
        return cls(
            str(document["name"]), ScoreInterval.from_json(document["score"]), float(document["p_value"]),
            bool(document["is_named"]), bool(document.get("may_be_content")), str(document.get("label") or ""),
            str(document.get("example") or ""), Following.from_json(following) if following else None,
        )  # fmt: skip


@dataclass(frozen=True)
class ShortcutsFound:
    """What else than the content was asked for the label.

    chance: the balanced accuracy of guessing. n_images: how many were looked at. why_not: why nothing was looked at.
    """

    chance: float = 0.0
    n_images: int = 0
    shortcuts: tuple[Shortcut, ...] = field(default=())
    why_not: str = ""

    @property
    def named(self) -> tuple[Shortcut, ...]:
        """Those that tell the label clearly; first those that the champion's errors follow, then by their score."""
        named = (one for one in self.shortcuts if one.is_named)
        return tuple(sorted(named, key=lambda one: (not one.is_followed, -one.score.value)))

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "chance": self.chance, "n_images": self.n_images, "why_not": self.why_not,
            "shortcuts": [one.to_json() for one in self.shortcuts],
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ShortcutsFound:
        """Read what `to_json` returned."""
        shortcuts = tuple(map(Shortcut.from_json, document.get("shortcuts") or ()))
        return cls(
            float(document.get("chance") or 0), int(document.get("n_images") or 0), shortcuts,
            str(document.get("why_not") or ""),
        )  # fmt: skip


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _number(found: float | None) -> float:
    return math.nan if found is None else float(found)
