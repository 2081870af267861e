"""The check of a dataset: a job of the command line, how far it is, and what it found."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import streamlit as st

from autotl.checks.check_document import CheckDocument, CheckedFinding, read_document
from autotl.runs.event_log import read_events
from autotl.runs.events import FeaturesRead, Progress, StageBegun
from autotl_ui.jobs import jobs
from autotl_ui.workspace.data_sets import DataSet
from autotl_ui.workspace.workspace import Workspace

Condition: TypeAlias = Literal["never", "running", "done", "stopped", "failed"]
DOING = {
    "unpack": "Unpacking",
    "hash": "Reading the files",
    "scan": "Looking at the images",
    "compare": "Looking for near-duplicates",
    "features": "Looking at the images with a trained network",
}
"""What a stage of reading the data is called."""


@dataclass(frozen=True)
class CheckView:
    """A check in any condition.

    doing: what is going on, a sentence; share: 0 to 1, of the current stage, None if it is not known. problem: why
    it failed. document: what it found, None unless it is done. page: the page it wrote.
    """

    condition: Condition
    started: float = 0.0
    doing: str = ""
    share: float | None = None
    problem: str = ""
    document: CheckDocument | None = None
    page: Path | None = None


def start_check(workspace: Workspace, data_set: DataSet, *, quick: bool = False) -> None:
    """Check a dataset as a job; what an earlier check found is gone. Raises OSError if it cannot be started."""
    target, events, page = _files(workspace, data_set)
    if (job := jobs.read(target)) and job.alive:
        return
    options = [*data_set.options, *data_set.patch_options]
    arguments = ["check", str(data_set.path), *options, "--json", "--page", str(page), "--events", str(events)]
    jobs.start(
        target,
        [*arguments, *(["--quick"] if quick else [])],
        owner=workspace.job_owner,
        about=data_set.title,
        output=target,
    )
    # Not before: what an earlier check found stays where this one cannot be started. The process is not that far yet.
    for old in (events, page):
        old.unlink(missing_ok=True)


def stop_check(workspace: Workspace, data_set: DataSet) -> None:
    """End a check that is under way."""
    jobs.stop(_files(workspace, data_set)[0])


def is_checking(workspace: Workspace, data_set: DataSet) -> bool:
    """Whether a check is under way; cheap."""
    job = jobs.read(_files(workspace, data_set)[0])
    return bool(job and job.alive)


def look_at_check(workspace: Workspace, data_set: DataSet) -> CheckView:
    """The check of a dataset as it stands."""
    target, events, page = _files(workspace, data_set)
    job = jobs.read(target)
    if job is None:
        return CheckView("never")
    if job.alive:
        doing, share = _progress(events)
        if job.stop_requested:
            doing, share = "Stopping", None
        return CheckView("running", job.started, doing, share)
    try:
        document = _document(target)
    except ValueError:
        return CheckView("failed", job.started, problem="What the check found is damaged. Check again.")
    if document is None:
        if job.stop_requested:
            return CheckView("stopped", job.started)
        return CheckView("failed", job.started, problem=jobs.last_words(target) or "The check stopped unexpectedly.")
    return CheckView("done", job.started, document=document, page=page if page.exists() else None)


def read_findings(workspace: Workspace, data_set: DataSet) -> tuple[CheckedFinding, ...]:
    """What the last check of a dataset found; empty where there was none, or where its document is damaged."""
    try:
        document = _document(_files(workspace, data_set)[0])
    except ValueError:
        return ()
    return document.findings if document else ()


def _files(workspace: Workspace, data_set: DataSet) -> tuple[Path, Path, Path]:
    """What the check prints, the events it tells, and its page."""
    home, name = workspace.data, data_set.name
    return home / f"{name}.check.json", home / f"{name}.check.jsonl", home / f"{name}.check.html"


def _progress(events: Path) -> tuple[str, float | None]:
    """What a check is doing, from its latest event about that."""
    for event in reversed(read_events(events)):
        match event:
            case Progress():
                return _stage(event.stage, event.done, event.total)
            case StageBegun() | FeaturesRead():
                return DOING["features"], None
    return "Starting", None


def _stage(stage: str, done: int, total: int) -> tuple[str, float | None]:
    if done >= total and stage == "compare":
        return "Running the checks", None
    words = DOING.get(stage, stage)
    return (words, None) if stage in ("unpack", "compare") or not total else (
        f"{words}: {done:,} of {total:,}", min(done / total, 1.0)
    )  # fmt: skip


def _document(path: Path) -> CheckDocument | None:
    """What a check printed, None if it printed no document; ValueError if that is damaged."""
    try:
        found = _parsed(path, path.stat().st_mtime_ns)
    except OSError:
        return None
    if isinstance(found, str):
        raise ValueError(found)
    return found


# As a resource and not as data: it may hold thousands of paths, and nothing changes it.
@st.cache_resource(max_entries=4, show_spinner=False)
def _parsed(path: Path, written: int) -> CheckDocument | str | None:  # noqa: ARG001, part of the cache's key
    """The document, or why it cannot be understood; None if it is not one."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    try:
        return read_document(document) if isinstance(document, dict) else None
    except ValueError as error:
        return str(error)


def now() -> float:
    """Seconds since the epoch."""
    return time.time()
