"""Style transfers: jobs that write an image each, with its numbers beside it, in the workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from autotl.runs.event_log import read_events
from autotl.runs.events import Progress
from autotl_ui.jobs import jobs
from autotl_ui.workspace.data_sets import slug
from autotl_ui.workspace.workspace import Workspace

StyleStatus: TypeAlias = Literal["running", "complete", "stopped", "failed"]
FOLDER = "autotl-styles"


@dataclass(frozen=True)
class StyleOptions:
    """What the reader chose.

    size: of the longer side, in pixels. stages: where the style is read, empty for the default. grid: one small image
    for each stage instead.
    """

    backbone: str
    size: int
    strength: float
    stages: tuple[str, ...] = ()
    grid: bool = False

    @property
    def arguments(self) -> list[str]:
        """The same for the command line."""
        stages = ["--style-stages", ",".join(self.stages)] if self.stages else []
        options = ["--backbone", self.backbone, "--size", str(self.size), "--strength", f"{self.strength:g}"]
        return [*options, *stages, *(["--grid"] if self.grid else [])]


@dataclass(frozen=True)
class StyleJob:
    """An image that is or was made.

    file: the image, which is there before it is finished. numbers: what the command said of it at its end. about: both
    images. started: seconds since the epoch. problem: why it failed. stopping: whether it was asked to stop.
    """

    file: Path
    about: str
    status: StyleStatus
    started: float
    progress: Progress
    numbers: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    stopping: bool = False


def list_jobs(workspace: Workspace) -> list[StyleJob]:
    """All of them, newest first."""
    files = [path.with_name(path.name.removesuffix(".job.json")) for path in _folder(workspace).glob("*.png.job.json")]
    return sorted((one for file in files if (one := look(file))), key=lambda one: (-one.started, one.file.name))


def start_job(workspace: Workspace, content: Path, style: Path, options: StyleOptions) -> Path:
    """Start a transfer; returns the file of the image. OSError where it cannot start."""
    about = f"{content.stem} in the style of {style.stem}{', by stage' if options.grid else ''}"
    wanted = slug(about)
    file, number = _folder(workspace) / f"{wanted}.png", 2
    while file.exists() or jobs.read(file):
        file, number = file.with_name(f"{wanted}-{number}.png"), number + 1
    file.parent.mkdir(parents=True, exist_ok=True)
    arguments = ["style", str(content), str(style), "--out", str(file), *options.arguments]
    arguments += ["--events", str(jobs.events_file(file)), "--json"]
    jobs.start(file, arguments, owner=workspace.job_owner, about=about, output=_numbers_file(file))
    return file


def look(file: Path) -> StyleJob | None:
    """The current state of one; None where this app did not start it."""
    job = jobs.read(file)
    if job is None:
        return None
    numbers, problem = {} if job.alive else _read_numbers(file), ""
    if job.alive:
        status: StyleStatus = "running"
    elif numbers:
        status = "complete" if numbers.get("status") == "complete" else "stopped"
    elif job.stop_requested:
        status = "stopped"
    else:
        status = "failed"
        problem = jobs.last_words(file) or "Its process ended before the image was finished."
    stopping = job.alive and job.stop_requested is not None
    return StyleJob(file, job.about, status, job.started, _progress(file), numbers, problem, stopping)


def known_stages(workspace: Workspace, backbone: str) -> tuple[str, ...]:
    """The stages of a backbone, as the latest comparison of them says; empty before there is one."""
    for one in list_jobs(workspace):
        if one.numbers.get("backbone") == backbone and isinstance(one.numbers.get("stages"), list):
            return tuple(str(look["stage"]) for look in one.numbers["stages"])
    return ()


def _read_numbers(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(_numbers_file(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _progress(file: Path) -> Progress:
    told = (event for event in reversed(read_events(jobs.events_file(file))) if isinstance(event, Progress))
    return next(told, Progress("style", 0, 0))


def _numbers_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _folder(workspace: Workspace) -> Path:
    return workspace.root / FOLDER
