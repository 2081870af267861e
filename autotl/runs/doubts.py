"""When a model abstains: what was calibrated in the search, and how it performed on the test split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autotl.scores import UNDEFINED, ScoreInterval


@dataclass(frozen=True)
class ClassSet:
    """The threshold of one class in conformal sets.

    n: number of independent calibration items. pooled: whether these are from all classes because the class has too
    few; the coverage of this class by itself is then not guaranteed. low, high: where the true coverage lies in 90 of
    100 cases. tested: coverage on the test images of this class; n_tested: number of these images.
    """

    threshold: float
    n: int
    pooled: bool
    low: float
    high: float
    tested: ScoreInterval = UNDEFINED
    n_tested: int = 0

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "threshold": self.threshold, "n": self.n, "pooled": self.pooled, "low": self.low, "high": self.high,
            "test": self.tested.to_json(), "n_test": self.n_tested,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ClassSet:
        """Read what `to_json` returned."""
        return cls(
            float(document["threshold"]), int(document["n"]), bool(document["pooled"]), float(document["low"]),
            float(document["high"]), ScoreInterval.from_json(document.get("test") or {}),
            int(document.get("n_test") or 0),
        )  # fmt: skip


@dataclass(frozen=True)
class SetsSummary:
    """Conformal sets. method: "lac" or "raps". coverage: the target share of sets with the true class.

    classes: by name. On all test images: tested, the observed coverage; mean_size, the mean set size; empty and single,
    the shares of images with an empty set and with exactly one class.
    """

    method: str
    coverage: float
    classes: Mapping[str, ClassSet]
    tested: ScoreInterval = UNDEFINED
    mean_size: float = 0.0
    empty: float = 0.0
    single: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "method": self.method, "coverage": self.coverage,
            "classes": {name: one.to_json() for name, one in self.classes.items()},
            "test": self.tested.to_json(), "mean_size": self.mean_size, "empty": self.empty, "single": self.single,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> SetsSummary:
        """Read what `to_json` returned."""
        return cls(
            str(document["method"]), float(document["coverage"]),
            {str(name): ClassSet.from_json(one) for name, one in document["classes"].items()},
            ScoreInterval.from_json(document.get("test") or {}),
            *(float(document.get(name) or 0.0) for name in ("mean_size", "empty", "single")),
        )  # fmt: skip


@dataclass(frozen=True)
class AcceptSummary:
    """The accept threshold: answers below it are unsure.

    max_wrong, certainty: with this certainty, at most this share of the accepted answers is wrong. share, n: share and
    number of answers accepted in the search. answered, wrong: on the test split, the share of answers accepted, and
    the share of these that are wrong.
    """

    threshold: float
    max_wrong: float
    certainty: float
    share: float
    n: int
    answered: ScoreInterval = UNDEFINED
    wrong: ScoreInterval = UNDEFINED

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "threshold": self.threshold, "max_wrong": self.max_wrong, "certainty": self.certainty, "share": self.share,
            "n": self.n, "test": {"answered": self.answered.to_json(), "wrong": self.wrong.to_json()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> AcceptSummary:
        """Read what `to_json` returned."""
        test = document.get("test") or {}
        return cls(
            float(document["threshold"]), float(document["max_wrong"]), float(document["certainty"]),
            float(document["share"]), int(document["n"]), ScoreInterval.from_json(test.get("answered") or {}),
            ScoreInterval.from_json(test.get("wrong") or {}),
        )  # fmt: skip


@dataclass(frozen=True)
class NoveltySummary:
    """ "None of these". false_refusal: p-value below which an image is taken to belong to none of the classes.

    backbone: the frozen network that gives the features. n: number of independent calibration images. tested: share
    of test images refused, although all of them belong to the classes.
    """

    false_refusal: float
    backbone: str
    n_components: int
    n: int
    tested: ScoreInterval = UNDEFINED

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "false_refusal": self.false_refusal, "backbone": self.backbone, "n_components": self.n_components,
            "n": self.n, "test": self.tested.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> NoveltySummary:
        """Read what `to_json` returned."""
        return cls(
            float(document["false_refusal"]), str(document["backbone"]), int(document["n_components"]),
            int(document["n"]), ScoreInterval.from_json(document.get("test") or {}),
        )  # fmt: skip


@dataclass(frozen=True)
class DoubtsSummary:
    """Which of the three a model offers, each None if it does not; left_out: why not, one sentence each.

    aurc: area under the risk-coverage curve on the test split; random_aurc: that of an uninformative confidence.
    """

    sets: SetsSummary | None = None
    accept: AcceptSummary | None = None
    novelty: NoveltySummary | None = None
    left_out: tuple[str, ...] = ()
    aurc: ScoreInterval = field(default=UNDEFINED)
    random_aurc: float = 0.0

    @property
    def offered(self) -> bool:
        """Whether the model offers any of them."""
        return bool(self.sets or self.accept or self.novelty)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "sets": self.sets and self.sets.to_json(), "accept": self.accept and self.accept.to_json(),
            "none_of_these": self.novelty and self.novelty.to_json(), "left_out": list(self.left_out),
            "test": {"aurc": self.aurc.to_json(), "random_aurc": self.random_aurc},
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> DoubtsSummary:
        """Read what `to_json` returned."""
        sets, accept, novelty = (document.get(name) for name in ("sets", "accept", "none_of_these"))
        test = document.get("test") or {}
        return cls(
            SetsSummary.from_json(sets) if sets else None, AcceptSummary.from_json(accept) if accept else None,
            NoveltySummary.from_json(novelty) if novelty else None, tuple(map(str, document.get("left_out") or ())),
            ScoreInterval.from_json(test.get("aurc") or {}), float(test.get("random_aurc") or 0.0),
        )  # fmt: skip
