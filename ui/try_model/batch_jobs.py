"""Classifying a whole folder: a job that writes a CSV in the workspace, row by row."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import pandas as pd
import streamlit as st

from autotl_ui.jobs import jobs
from autotl_ui.workspace.data_sets import slug
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

Condition: TypeAlias = Literal["running", "complete", "stopped", "failed"]
N_ROWS = 20
_TAIL_BYTES = 8192


@dataclass(frozen=True)
class Batch:
    """A table of predictions, at whatever stage.

    about: what was classified, by what. done, total: pictures; total is 0 as long as nobody has counted them.
    rate: pictures per second so far, 0 where it is not known. problem: why it failed.
    """

    file: Path
    about: str
    condition: Condition
    started: float
    done: int
    total: int
    rate: float = 0.0
    problem: str = ""
    stopping: bool = False

    @property
    def seconds_left(self) -> float | None:
        """How long it takes still, None where that is not known."""
        return (self.total - self.done) / self.rate if self.rate and self.total else None


@dataclass(frozen=True)
class Summary:
    """What a table of predictions holds.

    counts: pictures by class, most first. n_unreadable: files that are no pictures. head: the first rows, with the
    columns picture (below `folder`), label, probability and problem. columns: of the file itself.
    """

    counts: pd.Series
    n_unreadable: int
    folder: str
    head: pd.DataFrame
    columns: tuple[str, ...]


def list_batches(workspace: Workspace) -> list[Batch]:
    """All tables of predictions, newest first."""
    files = [path.with_name(path.name.removesuffix(".job.json")) for path in _folder(workspace).glob("*.csv.job.json")]
    return sorted((one for file in files if (one := look(file))), key=lambda one: (-one.started, one.file.name))


def start_batch(workspace: Workspace, run: RunView, data: Path, *, title: str, options: list[str]) -> Path:
    """Start to classify data with a run's model; returns the table's file. OSError where that cannot be started."""
    wanted = slug(f"{title}-by-{run.name}")
    file, number = _folder(workspace) / f"{wanted}.csv", 2
    while file.exists() or jobs.read(file):
        file, number = file.with_name(f"{wanted}-{number}.csv"), number + 1
    file.parent.mkdir(parents=True, exist_ok=True)
    arguments = ["predict", str(run.folder), str(data), "--csv", "--events", str(_events(file)), *options]
    jobs.start(file, arguments, owner=workspace.job_owner, about=f"{title}, by {run.name}", output=file)
    return file


def look(file: Path) -> Batch | None:
    """How far a table is; None where this app has not begun one."""
    job = jobs.read(file)
    if job is None:
        return None
    done, total, rate = _progress(_events(file))
    problem = ""
    if job.alive:
        condition: Condition = "running"
    elif total and done >= total:
        condition = "complete"
    elif job.stop_requested:
        condition = "stopped"
    else:
        condition = "failed"
        problem = jobs.last_words(file) or "Its process ended before all pictures were classified."
    stopping = job.alive and job.stop_requested is not None
    return Batch(file, job.about, condition, job.started, done, total, rate, problem, stopping)


def summarise(batch: Batch) -> Summary | None:
    """Counts and first rows; None where there are no rows yet, or the file cannot be read."""
    try:
        seen = batch.file.stat()
        return _summarise(str(batch.file), seen.st_mtime_ns, seen.st_size)
    except (OSError, ValueError):  # pandas' own errors are ValueErrors
        return None


@st.cache_data(max_entries=4, show_spinner=False)
def _summarise(file: str, written: int, n_bytes: int) -> Summary | None:  # noqa: ARG001, they tell what was read before
    with Path(file).open(encoding="utf-8", newline="") as table:
        header = next(csv.reader(table), [])
    if len(header) < 4:
        return None
    # By place and not by name: a class may be called "label" or "error".
    last = len(header) - 1
    columns = pd.read_csv(
        file, usecols=[1, last], names=["label", "error"], header=None, skiprows=1, dtype=str, keep_default_na=False,
        on_bad_lines="skip",
    )  # fmt: skip
    if columns.empty:
        return None
    labelled = columns["label"][columns["label"] != ""]
    head = pd.read_csv(
        file, nrows=N_ROWS, header=None, skiprows=1, on_bad_lines="skip", dtype={0: str, 1: str, last: str}
    )
    best = head.iloc[:, 2:last].max(axis=1)
    folder = str(Path(os.path.commonpath([Path(name).parent for name in head[0]])))
    names = [os.path.relpath(name, folder) for name in head[0]]
    shown = pd.DataFrame(
        {"picture": names, "label": head[1].fillna(""), "probability": best, "problem": head[last].fillna("")}
    )
    return Summary(labelled.value_counts(), int((columns["error"] != "").sum()), folder, shown, tuple(header))


def _progress(events: Path) -> tuple[int, int, float]:
    """Done, total and rate, from the first and the last whole line of the events."""
    try:
        with events.open("rb") as file:
            first = file.readline()
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return 0, 0, 0.0
    start = _event(first)
    latest = next((found for line in reversed(lines) if (found := _event(line))), None)
    if start is None or latest is None:
        return 0, 0, 0.0
    seconds = latest[2] - start[2]
    return latest[0], latest[1], (latest[0] / seconds if seconds > 0 else 0.0)


def _event(line: bytes) -> tuple[int, int, float] | None:
    try:
        event = json.loads(line)
        return int(event["done"]), int(event["total"]), float(event["time"])
    except (ValueError, KeyError, TypeError):
        return None


def _events(file: Path) -> Path:
    return file.with_name(f"{file.name}.events.jsonl")


def _folder(workspace: Workspace) -> Path:
    return workspace.root / "autotl-predictions"
