"""Verdicts as a run records them: on fine-tuning, and on the champion against the untuned default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotl.scores import ScoreInterval


@dataclass(frozen=True)
class FineTuningVerdict:
    """Whether fine-tuning pays.

    difference: the best fine-tune trial minus the best of the others, on the items that both predicted unseen in the
    search; None if none was tried. tested: the same on the test split, where the fine-tuned network is the champion.
    n_items: images of the former. seconds, trial: what that fine-tune trial took, and its number. pays: it was better
    beyond doubt in the search, and the test does not contradict.
    """

    claim: str
    difference: ScoreInterval | None = None
    seconds: float = 0.0
    trial: int = -1
    pays: bool = False
    tested: ScoreInterval | None = None
    n_items: int = 0

    @property
    def tried(self) -> bool:
        """Whether there was a fine-tune trial to judge by."""
        return self.difference is not None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        if self.difference is None:
            return {"tried": False, "claim": self.claim}
        tested = {"test": self.tested.to_json()} if self.tested else {}
        return {
            "tried": True, "claim": self.claim, **self.difference.to_json(), "seconds": self.seconds,
            "trial": self.trial, "pays": self.pays, "measured_on": "search", "n_items": self.n_items, **tested,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> FineTuningVerdict:
        """Read what `to_json` returned."""
        if not document.get("tried"):
            return cls(str(document["claim"]))
        return cls(
            str(document["claim"]), ScoreInterval.from_json(document), float(document.get("seconds") or 0.0),
            int(document.get("trial", -1)), bool(document.get("pays")), _interval(document.get("test")),
            int(document.get("n_items") or 0),
        )  # fmt: skip


@dataclass(frozen=True)
class DefaultVerdict:
    """Whether the champion beats the untuned default.

    difference: the champion minus the default on the test split; None if the default is the champion. searched: the
    same in the search, corrected for the choice; where the default is the champion, of the best of the others.
    """

    claim: str
    difference: ScoreInterval | None = None
    better: bool = False
    searched: ScoreInterval | None = None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        difference = {**self.difference.to_json(), "measured_on": "test"} if self.difference else {}
        searched = {"search": self.searched.to_json()} if self.searched else {}
        return {"better": self.better, "claim": self.claim, **difference, **searched}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> DefaultVerdict:
        """Read what `to_json` returned."""
        difference = ScoreInterval.from_json(document) if "measured_on" in document else None
        return cls(str(document["claim"]), difference, bool(document.get("better")), _interval(document.get("search")))


def _interval(found: Mapping[str, object] | None) -> ScoreInterval | None:
    return ScoreInterval.from_json(found) if found else None
