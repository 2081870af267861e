"""Shortcuts of a run: what predicts the label other than the content, and whether the champion relies on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autotl.scores import UNDEFINED, ScoreInterval


@dataclass(frozen=True)
class Following:
    """Whether the champion errs where a property misleads.

    n_misled, n_others: number of held-out images for which the property predicts the wrong class, and of all other
    held-out images. error_misled, error_others: the champion's error rates on these two sets. difference: misled minus
    others, within classes. association: rank correlation between the champion's probability of the true class and the
    property's, within classes. p_value: for the null hypothesis that the difference is not above 0, Holm-corrected
    over all properties tested this way. is_clear: whether this hypothesis is rejected.
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
    """How well one property predicts the label by itself.

    name: of the property, such as "file format" or "top left corner". score: the balanced accuracy of a tiny
    cross-validated model that sees nothing else. p_value: for the null hypothesis that it predicts the label no better
    than the margin and, for a part of the image, no better than comparable parts; Holm-corrected over all properties.
    is_named: whether this hypothesis is rejected. may_be_content: whether it describes the overall look of the image,
    which may be part of the content. label: the class that it singles out, empty if it separates all classes. example:
    what shows it best. following: None if not tested, as for properties that are not named.
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
    """All properties other than the content that were tested for predicting the label.

    chance: the balanced accuracy of guessing. n_images: how many were analysed. why_not: why nothing was analysed.
    """

    chance: float = 0.0
    n_images: int = 0
    shortcuts: tuple[Shortcut, ...] = field(default=())
    why_not: str = ""

    @property
    def named(self) -> tuple[Shortcut, ...]:
        """Those that clearly predict the label: first those that the champion's errors follow, then by score."""
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
