"""The verdict of a run: whether the model is good enough to be used, and what would change that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

USABLE, WITH_PEOPLE, NOT_YET = "usable", "usable-with-people", "not-yet"
VERDICTS = {USABLE: "Usable", WITH_PEOPLE: "Usable with people deciding the doubtful images", NOT_YET: "Not yet"}
"""In words."""


@dataclass(frozen=True)
class Criterion:
    """One criterion of the verdict. found, needed: in words; is_met: None if it could not be judged."""

    name: str
    found: str
    needed: str
    is_met: bool | None

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        met = None if self.is_met is None else bool(self.is_met)  # may be a NumPy boolean
        return {"name": self.name, "found": self.found, "needed": self.needed, "met": met}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Criterion:
        """Read what `to_json` returned."""
        met = document.get("met")
        return cls(
            str(document["name"]), str(document["found"]), str(document["needed"]), None if met is None else bool(met)
        )


@dataclass(frozen=True)
class Feasibility:
    """The verdict, with its reasons.

    verdict: one of VERDICTS. sentence: the verdict and its scope. criteria: what it is based on. changes: what would
    improve it, the most promising first. cautions: warnings of the data checks.
    """

    verdict: str
    sentence: str
    criteria: tuple[Criterion, ...] = ()
    changes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "verdict": self.verdict, "sentence": self.sentence, "criteria": [one.to_json() for one in self.criteria],
            "changes": list(self.changes), "cautions": list(self.cautions),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Feasibility:
        """Read what `to_json` returned."""
        return cls(
            verdict=str(document["verdict"]),
            sentence=str(document.get("sentence") or ""),
            criteria=tuple(map(Criterion.from_json, document.get("criteria") or ())),
            changes=tuple(map(str, document.get("changes") or ())),
            cautions=tuple(map(str, document.get("cautions") or ())),
        )
