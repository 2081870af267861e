"""What a study of several targets leaves: one leaderboard, one deployable, an index of the reports, a registration."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from autotl.deploy.joint_deployable import write_joint
from autotl.errors import AutoTLError
from autotl.evidence.leaderboard import read_leaderboard
from autotl.plugins import Plugins
from autotl.reports.targets_index import write_index
from autotl.runs.events import Message
from autotl.runs.run import Run
from autotl.runs.targets_result import TargetRun, TargetsResult, read_targets
from autotl.runtime.atomic_files import write_atomically
from autotl.workflows.joint_registration import try_to_register

NOT_JOINED = "No model answers all targets: "


def write_outcome(whole: Run, plugins: Plugins, *, interrupted: bool) -> dict[str, object]:
    """Write what belongs to all targets; returns the fields of run.json that say so.

    Targets without a result are left out, and named.
    """
    found = read_targets(whole.folder)
    missing = [target for target in found.targets if not target.result]
    unkept = [f"{target.name}: {text}" for target in found.targets if target.result for text in target.result.unkept]
    unkept += [f"{target.name} has no model: {target.why_none}" for target in missing]
    if interrupted:
        status = "interrupted"
    else:
        status = "failed" if missing or any(target.problem for target in found.targets) else "complete"
    fields: dict[str, object] = {"status": status, "error": "; ".join(_problems(found.targets)) or None}
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
    return fields


def _problems(targets: Sequence[TargetRun]) -> list[str]:
    return [f"{target.name}: {target.problem}" for target in targets if target.problem]


def _write_leaderboard(whole: Run, found: TargetsResult) -> None:
    boards = {target.name: read_leaderboard(target.folder) for target in found.finished}
    tables = [board.assign(target=name) for name, board in boards.items() if board is not None]
    table = pd.concat(tables, ignore_index=True)
    columns = ["target", *(name for name in table.columns if name != "target")]
    write_atomically(whole.folder / "leaderboard.csv", table[columns].to_csv(index=False).encode())


def _write_deployable(whole: Run, found: TargetsResult) -> tuple[str, str]:
    """The folder of the deployable of all targets, or why there is none; one of the two is empty."""
    models = {target.name: target.folder / "champion" for target in found.finished}
    facts = {
        "run": whole.name, "fingerprint": whole.fingerprint, "versions": whole.state()["versions"],
        "without": [target.name for target in found.targets if not target.result],
    }  # fmt: skip
    try:
        return str(write_joint(models, whole.champion, metadata=facts).folder), ""
    except AutoTLError as error:
        problem = f"{NOT_JOINED}{error} Use the model of each target, in the folder champion of its own run"
        whole.emit(Message(problem))
        return "", problem
