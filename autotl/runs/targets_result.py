"""The result of a run with several targets: the results of their own runs, and what answers all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotl.errors import RunError
from autotl.runs.joint_result import JOINT, JointResult
from autotl.runs.result import RunResult
from autotl.runs.run import read_state
from autotl.runs.target_folders import TARGETS


@dataclass(frozen=True)
class TargetRun:
    """The run of one target. problem: what went wrong with it; empty if nothing did."""

    name: str
    folder: Path
    status: str
    result: RunResult | None = None
    problem: str = ""

    @property
    def why_none(self) -> str:
        """Why it has no result; empty if it has one."""
        if self.result:
            return ""
        begun = "its search was interrupted" if self.status == "interrupted" else "its search has not been begun"
        return self.problem or begun


@dataclass(frozen=True)
class TargetsResult:
    """What a run with several targets has found so far.

    status: "complete" if every target has a result; else "interrupted", "failed" or "running". deployable: the folder
    that answers all targets with a model, empty without one. unkept: what was asked for and did not happen.
    registered: name, alias and version in the registry; None if it was not registered. joint: what one network trained
    for all targets achieved; None if that was not asked for, or has not begun.
    """

    run: Path
    status: str
    targets: tuple[TargetRun, ...]
    deployable: str = ""
    unkept: tuple[str, ...] = ()
    seconds: float = 0.0
    registered: Mapping[str, object] | None = None
    joint: JointResult | None = None

    @property
    def finished(self) -> tuple[TargetRun, ...]:
        """The targets that have a result."""
        return tuple(target for target in self.targets if target.result)

    def to_json(self) -> dict[str, object]:
        """The document of `autotl fit --json`: under "targets" the result of each, as of a run of its own."""
        return {
            "run": str(self.run), "status": self.status,
            TARGETS: {target.name: target.result.to_json() for target in self.finished if target.result},
            "failed": {target.name: target.why_none for target in self.targets if not target.result},
            "deployable": self.deployable, "leaderboard": str(self.run / "leaderboard.csv"),
            "report": str(self.run / "report.html"), "unkept": list(self.unkept), "seconds": self.seconds,
            "registered": self.registered and dict(self.registered), JOINT: self.joint and self.joint.to_json(),
        }  # fmt: skip


def has_targets(folder: Path) -> bool:
    """Whether a run folder is that of several targets; RunError if it is not a run folder."""
    return bool(read_state(folder).get(TARGETS))


def read_targets(folder: Path) -> TargetsResult:
    """What a run with several targets has found so far; RunError if it is damaged, or has one target."""
    folder = folder.absolute()
    state = read_state(folder)
    try:
        targets = tuple(_read(folder, name, known) for name, known in state[TARGETS].items())
        return TargetsResult(
            folder, str(state["status"]), targets, str(state.get("deployable") or ""),
            tuple(map(str, state.get("unkept") or ())), float(state.get("spent_seconds") or 0.0),
            state.get("registered"), JointResult.from_json(state[JOINT]) if state.get(JOINT) else None,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{folder} is not a run of several targets, or its run.json is damaged ({error!r}). Start a new search "
            "with `autotl fit`."
        ) from error


def _read(folder: Path, name: str, known: Mapping[str, Any]) -> TargetRun:
    own = folder / str(known["folder"])
    state = read_state(own)
    document = state.get("result")
    result = RunResult.from_json(document) if document else None
    return TargetRun(name, own, str(state["status"]), result, str(known.get("problem") or ""))
