"""Verdicts as a run records them: on fine-tuning, and on the champion against the untuned default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotl.scores import ScoreInterval


@dataclass(frozen=True)
class FineTuningVerdict:
    """Whether fine-tuning pays.

    difference: the best fine-tune trial minus the best probe, on the validation split; None where none was tried.
    seconds, trial: what that fine-tune trial took, and its number.
    """

    claim: str
    difference: ScoreInterval | None = None
    seconds: float = 0.0
    trial: int = -1
    pays: bool = False

    @property
    def tried(self) -> bool:
        """Whether there was a fine-tune trial to judge by."""
        return self.difference is not None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        if self.difference is None:
            return {"tried": False, "claim": self.claim}
        return {
            "tried": True, "claim": self.claim, **self.difference.to_json(),
            "seconds": self.seconds, "trial": self.trial, "pays": self.pays, "measured_on": "validation",
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> FineTuningVerdict:
        """Read what `to_json` returned."""
        if not document.get("tried"):
            return cls(str(document["claim"]))
        return cls(
            str(document["claim"]), ScoreInterval.from_json(document), float(document.get("seconds") or 0.0),
            int(document.get("trial", -1)), bool(document.get("pays")),
        )  # fmt: skip


@dataclass(frozen=True)
class DefaultVerdict:
    """Whether the champion beats the untuned default.

    difference: the champion minus the default on the test split; None where the default is the champion.
    """

    claim: str
    difference: ScoreInterval | None = None
    better: bool = False

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        difference = {**self.difference.to_json(), "measured_on": "test"} if self.difference else {}
        return {"better": self.better, "claim": self.claim, **difference}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> DefaultVerdict:
        """Read what `to_json` returned."""
        difference = ScoreInterval.from_json(document) if "measured_on" in document else None
        return cls(str(document["claim"]), difference, bool(document.get("better")))
