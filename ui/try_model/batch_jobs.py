"""Classifying a whole folder: a job that writes a table of predictions (CSV) in the workspace, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import streamlit as st

from autotl.deploy.prediction_summary import PredictionSummary, summarise_targets
from autotl.runs.event_log import read_events
from autotl.runs.events import Progress
from autotl_ui.jobs import jobs
from autotl_ui.workspace.data_sets import slug
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

BatchStatus: TypeAlias = Literal["running", "complete", "stopped", "failed"]


@dataclass(frozen=True)
class Batch:
    """A table of predictions, finished or not.

    about: what is classified, and by which run. started: seconds since the epoch. problem: why it failed. stopping:
    whether it was asked to stop.
    """

    file: Path
    about: str
    status: BatchStatus
    started: float
    progress: Progress
    problem: str = ""
    stopping: bool = False


def list_batches(workspace: Workspace) -> list[Batch]:
    """All tables of predictions, newest first."""
    files = [path.with_name(path.name.removesuffix(".job.json")) for path in _folder(workspace).glob("*.csv.job.json")]
    return sorted((one for file in files if (one := look(file))), key=lambda one: (-one.started, one.file.name))


def start_batch(workspace: Workspace, run: RunView, data: Path, *, title: str, options: list[str]) -> Path:
    """Start classifying data with a run's model; returns the file of the table. OSError if it cannot start."""
    wanted = slug(f"{title}-by-{run.name}")
    file, number = _folder(workspace) / f"{wanted}.csv", 2
    while file.exists() or jobs.read(file):
        file, number = file.with_name(f"{wanted}-{number}.csv"), number + 1
    file.parent.mkdir(parents=True, exist_ok=True)
    arguments = ["predict", str(run.folder), str(data), "--csv", "--events", str(jobs.events_file(file)), *options]
    jobs.start(file, arguments, owner=workspace.job_owner, about=f"{title}, by {run.name}", output=file)
    return file


def look(file: Path) -> Batch | None:
    """The current state of a table; None if this app did not start it."""
    job = jobs.read(file)
    if job is None:
        return None
    progress, problem = _latest_progress(jobs.events_file(file)), ""
    if job.alive:
        status: BatchStatus = "running"
    elif progress.is_complete:
        status = "complete"
    elif job.stop_requested:
        status = "stopped"
    else:
        status = "failed"
        problem = jobs.last_words(file) or "Its process ended before all images were classified."
    stopping = job.alive and job.stop_requested is not None
    return Batch(file, job.about, status, job.started, progress, problem, stopping)


def summarise(batch: Batch) -> dict[str, PredictionSummary]:
    """What the table holds, by target; under "" for one. Empty where it has no rows yet, or cannot be read."""
    try:
        seen = batch.file.stat()
        return _summarise(str(batch.file), seen.st_mtime_ns, seen.st_size)
    except (OSError, ValueError):  # pandas' own errors are ValueErrors
        return {}


@st.cache_data(max_entries=4, show_spinner=False)
def _summarise(file: str, written: int, n_bytes: int) -> dict[str, PredictionSummary]:  # noqa: ARG001, the key
    return summarise_targets(Path(file))


def _latest_progress(events: Path) -> Progress:
    told = (event for event in reversed(read_events(events)) if isinstance(event, Progress))
    return next(told, Progress("predict", 0, 0))


def _folder(workspace: Workspace) -> Path:
    return workspace.root / "autotl-predictions"
