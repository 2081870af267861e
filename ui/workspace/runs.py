"""A run as the app sees it: what it is doing, how it ended, or what is wrong with it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import filelock

from autotl.errors import RunError
from autotl.runs.result import RunResult
from autotl.runs.run import read_state
from autotl_ui.jobs import jobs

Status: TypeAlias = Literal["queued", "starting", "running", "complete", "interrupted", "failed", "damaged"]
SILENT_SECONDS = 30.0
"""A run that wrote something so recently is at work; looking at its lock might get in its way."""
_GONE = "Its process ended before the search was done. It was killed, or the machine went down."


@dataclass(frozen=True)
class RunView:
    """A run folder, read.

    started: seconds since the epoch. problem: why it failed, or what is damaged. result: None until it has ended
    with a model.
    """

    name: str
    folder: Path
    status: Status
    started: float
    problem: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    result: RunResult | None = None
    job: jobs.Job | None = None

    @property
    def active(self) -> bool:
        """Whether a process is working on it, or waits to."""
        return self.status in ("queued", "starting", "running")

    @property
    def config(self) -> Mapping[str, Any]:
        """What the command was told; empty where run.json does not say, or was edited by hand."""
        config = self.state.get("config")
        return config if isinstance(config, Mapping) else {}

    @property
    def budget_seconds(self) -> float | None:
        """How long it may take; None where it was not given."""
        return _number(self.config.get("budget_seconds"))

    @property
    def spent_seconds(self) -> float:
        """At work, until its state was written last."""
        return _number(self.state.get("spent_seconds")) or 0.0

    @property
    def data(self) -> Path | None:
        """What it learns from; None where its run.json does not say."""
        return self._path("data")

    @property
    def label(self) -> str | None:
        """The column of the labels, if one was named."""
        label = self.config.get("label")
        return label if isinstance(label, str) and label else None

    @property
    def patch(self) -> Path | None:
        """The file of the decisions, if one was named."""
        return self._path("patch")

    def _path(self, name: str) -> Path | None:
        # The command line was called in the folder of the workspace, or given a whole path.
        path = self.config.get(name)
        return self.folder.parent.parent / path if isinstance(path, str) and path else None

    @property
    def champion(self) -> Path:
        """Where the deployable is."""
        return self.folder / "champion"

    @property
    def report(self) -> Path | None:
        """The report; None where there is none."""
        path = self.folder / "report.html"
        return path if path.exists() else None


def look(folder: Path) -> RunView:
    """Read a run folder; whatever its condition, this gives a view of it."""
    job = jobs.read(folder)
    started = job.started if job else _changed(folder)

    def view(status: Status, problem: str = "", **more: Any) -> RunView:
        return RunView(folder.name, folder, status, started, problem, job=job, **more)

    if not (folder / "run.json").exists():
        if job and job.alive:
            return view("queued" if job.place else "starting")
        if job and job.stop_requested:
            return view("interrupted", "It was stopped before it had begun; nothing was written.")
        if job:
            return view("failed", jobs.last_words(folder) or "The search ended before it had begun.")
        return view("damaged", "There is no run.json in the folder.")
    try:
        state = read_state(folder)
        status = state["status"]
        result = RunResult.from_json(state["result"]) if state.get("result") else None
    except (RunError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return view("damaged", "run.json cannot be read, or something is missing in it.")
    if status == "complete" and result is None:
        return view("damaged", "run.json says that the search is complete, and has no result.")
    if status == "complete":
        return view(status, state=state, result=result)
    if _about_to_resume(folder, job):
        return view("queued" if job and job.place else "starting", state=state)
    if status == "interrupted":
        return view(status, state=state, result=result)
    if _at_work(folder, job):
        return view("running", state=state)
    if job and job.stop_requested:
        return view("interrupted", state=state)
    return view("failed", jobs.last_words(folder) or _GONE, state=state)


def _about_to_resume(folder: Path, job: jobs.Job | None) -> bool:
    """Whether a process that is to carry the run on has not written anything yet."""
    if job is None or job.kind != "resume" or not job.alive:
        return False
    return job.place > 0 or (folder / "run.json").stat().st_mtime < job.began


def _at_work(folder: Path, job: jobs.Job | None) -> bool:
    """Whether a process works on an unfinished run: the app's own, or one started elsewhere, which holds the lock."""
    if job and job.alive:
        return True
    lock = folder / ".lock"
    if time.time() - _changed(folder) < SILENT_SECONDS and not job:
        return True
    if not lock.exists():
        return False
    try:
        with filelock.FileLock(lock, timeout=0):
            return False
    except filelock.Timeout:
        return True
    except OSError:
        return False


def _number(value: object) -> float | None:
    """A number of run.json; None where somebody's edit made it something else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _changed(folder: Path) -> float:
    """When a run last wrote something, in seconds since the epoch; 0 where nothing is there."""
    times = [path.stat().st_mtime for name in ("events.jsonl", "run.json") if (path := folder / name).exists()]
    return max(times, default=folder.stat().st_mtime if folder.exists() else 0.0)
