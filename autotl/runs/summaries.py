"""Parts of a search's result: the champion, what more trials would gain, and what a refit changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from autotl.scores import ScoreInterval


@dataclass(frozen=True)
class ChampionMember:
    """A probe that has a part in an ensemble."""

    weight: float
    trial: int
    head: str
    stage: str
    pooling: str


@dataclass(frozen=True)
class ChampionSummary:
    """The choices of the trial that became the champion. size: "HEIGHTxWIDTH" in pixels."""

    trial: int
    strategy: str
    backbone: str
    size: str
    head: str
    stage: str = ""
    pooling: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)

    @property
    def members(self) -> tuple[ChampionMember, ...]:
        """The members of an ensemble; none for another champion, or where they cannot be read."""
        try:
            found = cast(list[Any], self.params.get("members", ()))
            return tuple(
                ChampionMember(
                    float(member["weight"]),
                    int(member["trial"]["number"]),
                    *(str(member["trial"][name]) for name in ("head", "stage", "pooling")),
                )
                for member in found
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return ()

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        names = ("trial", "strategy", "backbone", "size", "stage", "pooling", "head", "params", "training")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ChampionSummary:
        """Read what `to_json` returned."""
        return cls(
            trial=int(document["trial"]),
            strategy=str(document["strategy"]),
            backbone=str(document["backbone"]),
            size=str(document["size"]),
            head=str(document["head"]),
            stage=str(document.get("stage") or ""),
            pooling=str(document.get("pooling") or ""),
            params=dict(document.get("params") or {}),
            training=dict(document.get("training") or {}),
        )


@dataclass(frozen=True)
class ExpectedGain:
    """The expected gain in the objective from more trials, with an 80 % interval, and in words."""

    gain: ScoreInterval
    sentence: str

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        numbers = self.gain.to_json()
        return {"gain": numbers["value"], "low": numbers["low"], "high": numbers["high"], "sentence": self.sentence}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> ExpectedGain:
        """Read what `to_json` returned."""
        gain = ScoreInterval.from_json({**document, "value": document.get("gain")})
        return cls(gain, str(document.get("sentence") or ""))


@dataclass(frozen=True)
class RefitSummary:
    """What a refit changed. of: the folder of the run before; the numbers count images.

    difference: the new model minus the one before, on the test images that both answered; None if the two cannot be
    compared. sentence: all of it in words.
    """

    of: str
    relabelled: int
    excluded: int
    added: int
    changed_in_test: int
    difference: ScoreInterval | None
    sentence: str

    def to_json(self) -> dict[str, object]:
        """Plain values; without a difference where there is none."""
        names = ("of", "relabelled", "excluded", "added", "changed_in_test")
        difference = {"difference": self.difference.to_json()} if self.difference else {}
        return {name: getattr(self, name) for name in names} | difference | {"sentence": self.sentence}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RefitSummary:
        """Read what `to_json` returned."""
        counts = {name: int(document.get(name) or 0) for name in ("relabelled", "excluded", "added", "changed_in_test")}
        found = document.get("difference")
        difference = ScoreInterval.from_json(found) if found else None
        return cls(
            of=str(document["of"]), difference=difference, sentence=str(document.get("sentence") or ""), **counts
        )
