"""What a joint fine-tune of several targets has found, as the run of all targets records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from autotl.runtime.wording import counted
from autotl.scores import UNDEFINED, ScoreInterval

JOINT = "joint"
"""What run.json of the run of all targets knows of the network is under this key, and its files are in this folder."""
Decision: TypeAlias = Literal["better", "no worse", "worse", "not decided"]
JointStatus: TypeAlias = Literal["running", "complete", "interrupted", "not tried", "failed"]


@dataclass(frozen=True)
class JointVerdict:
    """Whether joint training helps one target.

    claim: a sentence. difference: the joint network minus the target's own champion, on the n_items images that both
    predicted unseen in the search. tested: the same on the test split, where the joint network was chosen.
    """

    decision: Decision
    claim: str
    difference: ScoreInterval = UNDEFINED
    tested: ScoreInterval | None = None
    n_items: int = 0

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        tested = self.tested.to_json() if self.tested else None
        return {
            "decision": self.decision, "claim": self.claim, **self.difference.to_json(), "n_items": self.n_items,
            "test": tested,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> JointVerdict:
        """Read what `to_json` returned."""
        tested = document["test"]
        return cls(
            document["decision"], str(document["claim"]), ScoreInterval.from_json(document),
            ScoreInterval.from_json(tested) if tested else None, int(document["n_items"]),
        )  # fmt: skip


@dataclass(frozen=True)
class JointTargetResult:
    """What the joint network achieved on one target.

    search: of the objective, on images that it was not trained on. test: of the objective, where it was chosen.
    deployed: whether it answers in the deployable of all targets, in place of the target's own champion; else why_not
    says why, where the verdict does not.
    """

    head: str
    search: ScoreInterval
    verdict: JointVerdict
    test: ScoreInterval | None = None
    deployed: bool = False
    why_not: str = ""

    @property
    def sentence(self) -> str:
        """The claim, and whether the network is used, without a full stop."""
        if self.deployed:
            return f"{self.verdict.claim}; it answers this target in the deployable of all targets"
        left = f"it is not used: {self.why_not}" if self.why_not else "the target's own champion stays"
        return f"{self.verdict.claim}; {left}"

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "head": self.head, "search": self.search.to_json(), "verdict": self.verdict.to_json(),
            "test": self.test.to_json() if self.test else None, "deployed": self.deployed, "why_not": self.why_not,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> JointTargetResult:
        """Read what `to_json` returned."""
        test = document["test"]
        return cls(
            str(document["head"]), ScoreInterval.from_json(document["search"]),
            JointVerdict.from_json(document["verdict"]), ScoreInterval.from_json(test) if test else None,
            bool(document["deployed"]), str(document["why_not"]),
        )  # fmt: skip


@dataclass(frozen=True)
class JointResult:
    """A joint fine-tune. why: why it is not complete; empty if it is.

    reading: backbone, size, stage and pooling; training: as of a fine-tune trial. targets: by name.
    """

    status: JointStatus
    why: str = ""
    seconds: float = 0.0
    reading: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, JointTargetResult] = field(default_factory=dict)

    @property
    def deployed(self) -> tuple[str, ...]:
        """The targets that the joint network answers in the deployable of all targets."""
        return tuple(name for name, target in self.targets.items() if target.deployed)

    @property
    def words(self) -> str:
        """What was trained, in short."""
        stages, folds = int(self.training.get("trainable_stages", 0)), int(self.training.get("folds", 0))
        what = f"{self.reading['backbone']} at {self.reading['size']}, {counted(stages, 'stage')} trained"
        why = self.training.get("why_not_all_folds")
        return f"{what}, measured on {counted(folds, 'fold')}{f', since {why}' if why else ''}"

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "status": self.status, "why": self.why, "seconds": self.seconds, "reading": dict(self.reading),
            "training": dict(self.training),
            "targets": {name: target.to_json() for name, target in self.targets.items()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> JointResult:
        """Read what `to_json` returned, or what is kept of one that is running."""
        targets = document.get("targets") or {}
        return cls(
            document["status"], str(document.get("why") or ""), float(document.get("seconds") or 0.0),
            document.get("reading") or {}, document.get("training") or {},
            {name: JointTargetResult.from_json(one) for name, one in targets.items()},
        )  # fmt: skip


def joint_folder(target: Path) -> Path:
    """Where the joint network keeps what belongs to a target. target: the folder of the target's own run."""
    return target.parent.parent / JOINT / target.name


def joint_champion(target: Path) -> Path:
    """The deployable of the joint network for a target, which is written if it is better."""
    return joint_folder(target) / "champion"
