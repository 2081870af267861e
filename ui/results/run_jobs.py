"""Jobs that look further into a finished run: a command of `autotl` each, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autotl.runs import autoencoders, debias
from autotl.runs.event_log import read_events
from autotl.runs.events import Progress
from autotl_ui.jobs import jobs
from autotl_ui.widgets.words import duration
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace


@dataclass(frozen=True)
class RunCommand:
    """A command that works on a finished run.

    folder: of the run, for its results. stages: what it is doing, by stage of its progress, the longest stage last;
    finishing: what it does after that.
    """

    name: str
    folder: str
    finishing: str
    stages: Mapping[str, str] = field(hash=False)

    def target(self, run: RunView) -> Path:
        """Beside it is what is known of the job."""
        return run.folder / self.folder / "job"


AUTOENCODE = RunCommand(
    "autoencode", autoencoders.FOLDER, "Looking at what it has learned",
    {"small-images": "Reading the images", "autoencode": "Training"},
)  # fmt: skip
DEBIAS = RunCommand(
    "debias", debias.FOLDER, "Comparing with the champion",
    {debias.READING: "Reading the data", debias.FITTING: "Fits done"},
)  # fmt: skip


@dataclass(frozen=True)
class RunJob:
    """The latest job of a command on a run.

    share: 0 to 1 of the current stage, None if it is not known. problem: why it failed, empty if it did not.
    """

    is_running: bool
    doing: str = ""
    share: float | None = None
    problem: str = ""


def start_job(workspace: Workspace, command: RunCommand, run: RunView, options: Sequence[str], *, about: str) -> None:
    """Start it; OSError if it cannot be started."""
    target = command.target(run)
    events = jobs.events_file(target)
    jobs.start(
        target, [command.name, str(run.folder), *options, "--events", str(events)], owner=workspace.job_owner,
        about=f"{about} {run.name}",
    )  # fmt: skip
    events.unlink(missing_ok=True)  # of an earlier job; the process is not that far yet


def stop_job(command: RunCommand, run: RunView) -> None:
    """Ask it to end; earlier results stay."""
    jobs.stop(command.target(run))


def look_at_job(command: RunCommand, run: RunView) -> RunJob | None:
    """The latest job; None if the app has started none."""
    target = command.target(run)
    job = jobs.read(target)
    if job is None:
        return None
    if not job.alive:
        return RunJob(False, problem="" if job.stop_requested else jobs.last_words(target))
    if job.stop_requested:
        return RunJob(True, "Stopping")
    if job.place:
        return RunJob(True, "Waiting for other jobs to end")
    return _progress(command, jobs.events_file(target))


def _progress(command: RunCommand, events: Path) -> RunJob:
    told = (event for event in reversed(read_events(events)) if isinstance(event, Progress))
    latest = next((event for event in told if event.stage in command.stages), None)
    if latest is None:
        return RunJob(True, "Starting")
    if latest.is_complete:
        return RunJob(True, command.finishing if latest.stage == list(command.stages)[-1] else "Starting")
    doing = command.stages[latest.stage]
    doing = f"{doing}: {latest.done:,} of {latest.total:,}" if latest.total else doing
    if latest.eta_seconds is not None:
        doing += f", about {duration(latest.eta_seconds)} left"
    return RunJob(True, doing, latest.done / latest.total if latest.total else None)
