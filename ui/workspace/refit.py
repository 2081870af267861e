"""Refitting a run's champion with the decisions of the patch file."""

from __future__ import annotations

import re
from pathlib import Path

from autotl_ui.jobs import jobs
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.subjects import Subject
from autotl_ui.workspace.workspace import Workspace

KIND = "refit"


def is_behind(run: RunView, subject: Subject) -> bool:
    """Whether decisions were made after a run had read them, which it does when it lists its images."""
    listed = run.folder / "dataset.parquet"
    try:
        read = (listed if listed.exists() else run.folder / "run.json").stat().st_mtime
        return subject.patch_file.stat().st_mtime > read
    except OSError:
        return False


def start_refit(workspace: Workspace, run: RunView) -> Path:
    """Start it; returns the folder of the new run. Raises OSError if it cannot be started."""
    folder = free_folder(run.folder)
    jobs.start(
        folder,
        [KIND, str(run.folder), "--run", str(folder), "--events", str(jobs.events_file(folder))],
        owner=workspace.job_owner,
        about=f"{run.name} with the new labels",
    )
    return folder


def free_folder(run: Path) -> Path:
    """A folder beside a run's for its re-fit, which nothing has used: name-refit, name-refit-2, ..."""
    stem = re.sub(r"-refit(-\d+)?$", "", run.name)
    number, folder = 2, run.with_name(f"{stem}-refit")
    while folder.exists() or jobs.read(folder) or jobs.log_file(folder).exists():
        folder, number = run.with_name(f"{stem}-refit-{number}"), number + 1
    return folder
