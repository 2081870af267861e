"""The state of a run folder: whether a search is running, was interrupted, failed or is complete."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import filelock

from autotl.errors import RunError
from autotl.runs.event_log import EVENTS_FILE
from autotl.runs.new_folder import LOCK_FILE
from autotl.runs.result import RunResult
from autotl.runs.run import read_state
from autotl.runs.target_folders import TARGETS

Status: TypeAlias = Literal["absent", "running", "complete", "interrupted", "failed", "damaged"]
SILENT_SECONDS = 30.0
"""A run that wrote something so recently is running; looking at its lock might get in its way."""
_GONE = "Its process ended before the search was done. It was killed, or the machine went down."


@dataclass(frozen=True)
class RunState:
    """The state of a run folder, and what its run.json holds; a part that cannot be read is None, or empty.

    status: "absent" without a run.json; "failed" also where the process is gone. problem: why it failed, or what is
    damaged. result: None until it has ended with a model. data, patch: as the command was given them, which may be
    relative to its working folder. budget_seconds: None without. spent_seconds: working time until run.json was
    written last. can_resume: whether `autotl resume` can continue it. refit: whether it fits another run's champion.
    backbones, heads: those that were asked for by name. max_gap: largest tolerated gap between groups, or None.
    text, image: the columns of texts and of images. target: the kind of what is learned. modality: the kind of the
    items, by its name. targets: the folders of the runs of several targets, relative to this one; empty for one.
    """

    status: Status
    problem: str = ""
    result: RunResult | None = None
    fingerprint: str = ""
    objective: str = ""
    data: str = ""
    patch: str = ""
    label: str = ""
    text: str = ""
    image: str = ""
    target: str = "classes"
    modality: str = "image"
    budget_seconds: float | None = None
    trials: int | None = None
    spent_seconds: float = 0.0
    can_resume: bool = False
    refit: bool = False
    backbones: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    max_gap: float | None = None
    targets: tuple[str, ...] = ()


def find_state(folder: Path, *, process_alive: bool | None = None) -> RunState:
    """The state of a run folder in any condition.

    process_alive: whether its process is, where the caller knows that; None if its lock has to tell.
    """
    if not (folder / "run.json").exists():
        return RunState("absent", "There is no run.json in the folder.")
    try:
        document = read_state(folder)
        status = document["status"]
        result = RunResult.from_json(document["result"]) if document.get("result") else None
    except (RunError, OSError, KeyError, TypeError, ValueError, OverflowError, AttributeError, RecursionError):
        return RunState("damaged", "run.json cannot be read, or something is missing in it.")
    targets = _target_folders(document.get(TARGETS))
    if status == "complete" and result is None and not targets:
        return RunState("damaged", "run.json says that the search is complete, and has no result.")
    problem = ""
    if status not in ("complete", "interrupted"):
        status = "running" if _is_running(folder, process_alive, ended=status == "failed") else "failed"
        problem = "" if status == "running" else _text(document.get("error")) or _GONE
    config = document.get("config")
    config = config if isinstance(config, Mapping) else {}
    trials = _number(config.get("trials"))
    return RunState(
        status,
        problem,
        result if status in ("complete", "interrupted") else None,
        fingerprint=_text(document.get("fingerprint")),
        objective=_text(config.get("objective")),
        data=_text(config.get("data")),
        patch=_text(config.get("patch")),
        label=_text(config.get("label")),
        text=_text(config.get("text")),
        image=_text(config.get("image")),
        target=_text(config.get("target")) or "classes",
        modality=_text(document.get("modality")) or "image",
        budget_seconds=_number(config.get("budget_seconds")),
        trials=int(trials) if trials else None,
        spent_seconds=_number(document.get("spent_seconds")) or 0.0,
        can_resume=status in ("interrupted", "failed") and (folder / "dataset.parquet").exists(),
        refit=bool(config.get("refit")),
        backbones=_names(config.get("backbones")),
        heads=_names(config.get("heads")),
        max_gap=_number(config.get("max_gap")),
        targets=targets,
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _target_folders(known: object) -> tuple[str, ...]:
    found = (
        [one.get("folder") for one in known.values() if isinstance(one, Mapping)] if isinstance(known, Mapping) else []
    )
    # Nothing outside of the run folder is looked at, whatever a run.json from elsewhere says.
    return tuple(str(place) for place in found if place and Path(str(place)).parent == Path(TARGETS))


def last_change(folder: Path) -> float:
    """When a run last wrote something, in seconds since the epoch; 0 where there is no folder."""
    for paths in ((folder / EVENTS_FILE, folder / "run.json"), (folder,)):
        times = []
        for path in paths:
            with suppress(OSError):
                times.append(path.stat().st_mtime)
        if times:
            return max(times)
    return 0.0


def _is_running(folder: Path, process_alive: bool | None, *, ended: bool) -> bool:
    """Whether a process works on an unfinished run: the caller's, or one started elsewhere, which holds the lock.

    ended: whether its run.json says that the process before has ended.
    """
    if process_alive:
        return True
    if process_alive is None and not ended and time.time() - last_change(folder) < SILENT_SECONDS:
        return True
    lock = folder / LOCK_FILE
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
    """A number of run.json; None if somebody's edit made it something else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
