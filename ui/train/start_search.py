"""A search as somebody asks for it on the Train page, and its start."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from autotl.data.listing import TABLE_SUFFIXES
from autotl_ui.jobs import jobs
from autotl_ui.workspace.data_sets import DataSet
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace


@dataclass(frozen=True)
class Choices:
    """What to look for, in which data, for how long. trials: None for as many as the time allows.

    backbones, heads: empty for all that are worth trying. groups, register: empty for none.
    """

    data_set: DataSet
    budget_seconds: float
    objective: str = "balanced_accuracy"
    strategy: str = "auto"
    trials: int | None = None
    backbones: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    groups: str = ""
    mirrored: bool = False
    seed: int = 0
    workers: int = 1
    register: str = ""


def find_fault(choices: Choices, workspace: Workspace) -> str:
    """What is wrong with the choices, in words for people; empty where nothing is."""
    if not choices.data_set.path.exists():
        return (
            f"The pictures of {choices.data_set.title} are gone: there is nothing at {choices.data_set.path} any more. "
            "Put them back, or choose another data set."
        )
    if re.search(r"[/:\\]", choices.register):
        return f"The name {choices.register} cannot be registered: leave out slashes and colons."
    if Path(choices.groups).suffix.lower() in TABLE_SUFFIXES and not workspace.whole_machine:
        return "A table of groups cannot be named here; name a column of the labels' table, or give a pattern."
    return ""


def start_search(choices: Choices, workspace: Workspace) -> str:
    """Start the search, or put it in the queue; returns the run's name. Raises OSError where that cannot be done."""
    folder = _free_folder(workspace.runs / f"{choices.data_set.name}-{time.strftime('%Y%m%d-%H%M%S')}")
    jobs.start(
        folder, arguments(choices, folder), owner=workspace.job_owner, about=choices.data_set.title,
        budget_seconds=choices.budget_seconds,
    )  # fmt: skip
    return folder.name


def can_resume(run: RunView) -> bool:
    """Whether a run that has ended early can be carried on."""
    return run.status in ("failed", "interrupted") and (run.folder / "dataset.parquet").exists()


def resume_search(workspace: Workspace, run: RunView) -> None:
    """Carry on a run with what is left of its budget. Raises OSError where that cannot be done."""
    about = run.job.about if run.job else run.name
    jobs.start(
        run.folder,
        ["resume", str(run.folder)],
        owner=workspace.job_owner,
        about=about,
        budget_seconds=run.budget_seconds,
    )


def arguments(choices: Choices, folder: Path) -> list[str]:
    """The command line; texts are tied to their option by "=", so that none can pass for an option itself."""
    given = {
        "--run": str(folder),
        "--budget": f"{choices.budget_seconds:g}s",
        "--objective": choices.objective,
        "--strategy": choices.strategy,
        "--trials": str(choices.trials or ""),
        "--backbones": ",".join(choices.backbones),
        "--heads": ",".join(choices.heads),
        "--groups": choices.groups,
        "--seed": str(choices.seed or ""),
        "--workers": str(choices.workers) if choices.workers > 1 else "",
        "--register": choices.register,
    }
    options = [f"{option}={value}" for option, value in given.items() if value]
    options += ["--mirrored"] if choices.mirrored else []
    return ["fit", str(choices.data_set.path), *options, *choices.data_set.options, *choices.data_set.patch_options]


def _free_folder(folder: Path) -> Path:
    """The folder, or one with a number, so that two searches started in one second do not meet."""
    number, wanted = 2, folder
    while folder.exists() or jobs.read(folder):
        folder = wanted.with_name(f"{wanted.name}-{number}")
        number += 1
    return folder
