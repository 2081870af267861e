"""What each part of composed items brings, such as an image and its text: scores of each alone, and of all together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotl.scores import ScoreInterval


@dataclass(frozen=True)
class PartScore:
    """What can be learned from one kind of part, or from the whole items.

    kind: of the part, or of the items, by its name. trial, score: of the untuned head on it, in the search.
    best_trial, best: of the best trial on it. gain: the score of the whole less that of this part, both untuned, with
    its paired interval; None of the whole itself.
    """

    kind: str
    trial: int
    score: ScoreInterval
    best_trial: int
    best: ScoreInterval
    gain: ScoreInterval | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        document: dict[str, object] = {
            "kind": self.kind, "trial": self.trial, "score": self.score.to_json(), "best_trial": self.best_trial,
            "best": self.best.to_json(),
        }  # fmt: skip
        return document | ({"gain": self.gain.to_json()} if self.gain else {})

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> PartScore:
        """Read what `to_json` returned."""
        gain = document.get("gain")
        return cls(
            str(document["kind"]), int(document["trial"]), ScoreInterval.from_json(document["score"]),
            int(document["best_trial"]), ScoreInterval.from_json(document["best"]),
            ScoreInterval.from_json(gain) if gain else None,
        )  # fmt: skip


@dataclass(frozen=True)
class PartGains:
    """The whole items first, then each of their parts. objective: what the scores are of."""

    objective: str
    scores: tuple[PartScore, ...]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {"objective": self.objective, "scores": [one.to_json() for one in self.scores]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> PartGains:
        """Read what `to_json` returned."""
        return cls(str(document["objective"]), tuple(map(PartScore.from_json, document["scores"])))
