"""What a study of several targets leaves: one leaderboard, one deployable, an index of the reports, a registration."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from autotl.deploy.joint_deployable import write_joint
from autotl.deploy.joint_replay import items_of_run
from autotl.errors import AutoTLError
from autotl.evidence.leaderboard import read_leaderboard
from autotl.evidence.recomputable import write_study_program
from autotl.plugins import Plugins
from autotl.reports.targets_index import write_index
from autotl.runs.config import JOINT_FINE_TUNE
from autotl.runs.events import Message
from autotl.runs.joint_result import JOINT, JointResult, joint_champion
from autotl.runs.run import Run
from autotl.runs.targets_result import TargetRun, TargetsResult, read_targets
from autotl.runtime.atomic_files import write_atomically
from autotl.workflows.joint_registration import try_to_register

NOT_JOINED = "No model answers all targets: "
NOT_TRAINED = "One network for all targets was asked for, but was not trained: "


def write_outcome(whole: Run, plugins: Plugins, *, interrupted: bool) -> dict[str, object]:
    """Write what belongs to all targets; returns the fields of run.json that say so.

    Targets without a result are left out, and named.
    """
    found = read_targets(whole.folder)
    missing = [target for target in found.targets if not target.result]
    unkept = [f"{target.name}: {text}" for target in found.targets if target.result for text in target.result.unkept]
    unkept += [f"{target.name} has no model: {target.why_none}" for target in missing]
    joint = found.joint if whole.config.joint else None
    unkept += [f"{NOT_TRAINED}{joint.why}"] if joint and joint.why else []
    problems = _problems(found.targets, joint)
    status = "interrupted" if interrupted else "failed" if missing or problems else "complete"
    fields: dict[str, object] = {"status": status, "error": "; ".join(problems) or None}
    deployable = ""
    if found.finished:
        _write_leaderboard(whole, found)
        deployable, problem = _write_deployable(whole, found)
        unkept += [problem] if problem else []
    if whole.config.register and not interrupted:
        change, why_not = try_to_register(whole, whole.config.register, plugins)
        unkept += why_not
        if change:
            whole.emit(Message(f"registered as models:/{change.name}@{change.alias}, version {change.version}"))
    fields |= {"deployable": deployable, "unkept": unkept}
    whole.update(**fields)
    if found.finished:
        write_index(read_targets(whole.folder))
        write_study_program(whole.folder)
    return fields


def _problems(targets: Sequence[TargetRun], joint: JointResult | None) -> list[str]:
    failed = [f"joint training: {joint.why}"] if joint and joint.status == "failed" else []
    return [f"{target.name}: {target.problem}" for target in targets if target.problem] + failed


def _write_leaderboard(whole: Run, found: TargetsResult) -> None:
    boards = {target.name: read_leaderboard(target.folder) for target in found.finished}
    tables = [board.assign(target=name) for name, board in boards.items() if board is not None]
    if found.joint and found.joint.targets:
        tables = [table.astype({"rank": "Int64", "trial": "Int64"}) for table in tables] + [_joint_rows(found.joint)]
    table = pd.concat(tables, ignore_index=True)
    columns = ["target", *(name for name in table.columns if name != "target")]
    write_atomically(whole.folder / "leaderboard.csv", table[columns].to_csv(index=False).encode())


def _joint_rows(joint: JointResult) -> pd.DataFrame:
    """A row for each target, without a rank: the joint network is not a trial of the target's search."""
    return pd.DataFrame([
        {
            "name": f"{one.head} on {joint.reading['backbone']}, trained for all targets", "state": "complete",
            "strategy": JOINT_FINE_TUNE, **joint.reading, "head": one.head, **one.search.to_json(),
            "seconds": joint.seconds, "reason": one.verdict.claim, "target": name,
        }
        for name, one in joint.targets.items()
    ])  # fmt: skip


def _write_deployable(whole: Run, found: TargetsResult) -> tuple[str, str]:
    """The folder of the deployable of all targets, or why there is none; one of the two is empty."""
    shared = found.joint.deployed if found.joint else ()
    models = {
        target.name: joint_champion(target.folder) if target.name in shared else target.folder / "champion"
        for target in found.finished
    }
    facts = {
        "run": whole.name, "fingerprint": whole.fingerprint, "versions": whole.state()["versions"],
        "without": [target.name for target in found.targets if not target.result], JOINT: list(shared),
    }  # fmt: skip
    try:
        items = items_of_run(whole)
        return str(write_joint(models, whole.champion, metadata=facts, items=items).folder), ""
    except AutoTLError as error:
        problem = f"{NOT_JOINED}{error} Use the model of each target, in the folder champion of its own run"
        whole.emit(Message(problem))
        return "", problem
