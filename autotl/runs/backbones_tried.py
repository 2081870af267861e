"""How the backbones of a run did on a sample of its images, and which were left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from autotl.scores import UNDEFINED, ScoreInterval

Reason: TypeAlias = Literal["failed", "time", "licence"]
KEY = "backbones_tried"
"""In run.json, from the moment the sample was read, and in its result."""


@dataclass(frozen=True)
class TriedBackbone:
    """A backbone at one size, as the held-out answers of the untuned default head on a sample of the images judge it.

    size: "HEIGHTxWIDTH" in pixels. stage, pooling: its best reading; log_loss: mean, of this reading. difference: its
    log loss minus that of the best backbone and size; undefined for the best. images_needed: number of images on which
    the difference would be found, see `evidence.backbone_comparison`; None if the sample suffices, or if the answers
    are the same. images_per_second: as measured; None if all features were cached. pass_seconds: of reading all images
    at this speed. read_in_full: whether the features of all images were read. n_trials: number of trials completed.
    """

    backbone: str
    size: str
    stage: str
    pooling: str
    log_loss: float
    difference: ScoreInterval = UNDEFINED
    images_needed: int | None = None
    images_per_second: float | None = None
    pass_seconds: float | None = None
    read_in_full: bool = False
    n_trials: int = 0

    @property
    def is_told(self) -> bool:
        """Whether it is clearly worse than the best one."""
        return self.difference.has_interval and self.difference.low > 0

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "backbone": self.backbone, "size": self.size, "stage": self.stage, "pooling": self.pooling,
            "log_loss": self.log_loss, "difference": self.difference.to_json(), "images_needed": self.images_needed,
            "images_per_second": self.images_per_second, "pass_seconds": self.pass_seconds,
            "read_in_full": self.read_in_full, "n_trials": self.n_trials,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TriedBackbone:
        """Read what `to_json` returned."""
        needed = document.get("images_needed")
        return cls(
            str(document["backbone"]), str(document["size"]), str(document["stage"]), str(document["pooling"]),
            float(document["log_loss"]), ScoreInterval.from_json(document.get("difference") or {}),
            None if needed is None else int(needed), _number(document.get("images_per_second")),
            _number(document.get("pass_seconds")), bool(document.get("read_in_full")),
            int(document.get("n_trials") or 0),
        )  # fmt: skip


@dataclass(frozen=True)
class LeftOutBackbone:
    """A backbone that was not tried, and why.

    size: "HEIGHTxWIDTH", empty if it was left out at all sizes. reason: "failed"; "time", if reading the sample would
    have taken too long; "licence", if it may not be used commercially and was not asked for. details: of a failure, or
    the licence. seconds: what reading the sample would have taken; None if that is not the reason.
    """

    backbone: str
    size: str
    reason: Reason
    details: str = ""
    seconds: float | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "backbone": self.backbone, "size": self.size, "reason": self.reason, "details": self.details,
            "seconds": self.seconds,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> LeftOutBackbone:
        """Read what `to_json` returned; ValueError for an unknown reason."""
        reason = document["reason"]
        if reason not in get_args(Reason):
            raise ValueError(f"the reason is {reason!r}; expected one of {', '.join(get_args(Reason))}")
        return cls(
            str(document["backbone"]), str(document.get("size") or ""), reason, str(document.get("details") or ""),
            _number(document.get("seconds")),
        )  # fmt: skip


@dataclass(frozen=True)
class BackbonesTried:
    """The backbones of a run on a sample of its images.

    n_sample: number of images in the sample; n_development: of images for training and validation; n_images: of all
    images that features are read from. tried: the lowest log loss first. left_out: those that take part in the search
    or would without their licence. not_asked: names of others that are offered, which take part only if named.
    """

    n_sample: int = 0
    n_development: int = 0
    n_images: int = 0
    tried: tuple[TriedBackbone, ...] = ()
    left_out: tuple[LeftOutBackbone, ...] = ()
    not_asked: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The backbones that took part, whether there was time to try them or not."""
        left_out = (one.backbone for one in self.left_out if one.reason != "licence")
        return tuple(dict.fromkeys([*(one.backbone for one in self.tried), *left_out]))

    @property
    def unclear(self) -> tuple[TriedBackbone, ...]:
        """Those that cannot be told from the best one by the sample, the nearest first."""
        return tuple(one for one in self.tried[1:] if not one.is_told)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "n_sample": self.n_sample, "n_development": self.n_development, "n_images": self.n_images,
            "tried": [one.to_json() for one in self.tried], "left_out": [one.to_json() for one in self.left_out],
            "not_asked": list(self.not_asked),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> BackbonesTried:
        """Read what `to_json` returned."""
        return cls(
            int(document.get("n_sample") or 0), int(document.get("n_development") or 0),
            int(document.get("n_images") or 0),
            tuple(map(TriedBackbone.from_json, document.get("tried") or ())),
            tuple(map(LeftOutBackbone.from_json, document.get("left_out") or ())),
            tuple(map(str, document.get("not_asked") or ())),
        )  # fmt: skip


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
