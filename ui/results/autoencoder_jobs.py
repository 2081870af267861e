"""Training an autoencoder on a run's images: a job of the command line, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autotl.runs.autoencoders import FOLDER
from autotl.runs.event_log import read_events
from autotl.runs.events import Progress
from autotl_ui.jobs import jobs
from autotl_ui.workspace.runs import RunView
from autotl_ui.workspace.workspace import Workspace

KIND = "autoencode"
_DOING = {"small-images": "Reading the images", "autoencode": "Training"}


@dataclass(frozen=True)
class TrainingJob:
    """The latest job of a run.

    share: 0 to 1 of the current stage, None where it is not known. problem: why it failed, empty if it did not.
    """

    is_running: bool
    doing: str = ""
    share: float | None = None
    problem: str = ""


def start_training(workspace: Workspace, run: RunView, method: str, seconds: int) -> None:
    """Start it; OSError where it cannot be started."""
    target = _target(run)
    events = jobs.events_file(target)
    jobs.start(
        target,
        [KIND, str(run.folder), "--method", method, "--seconds", str(seconds), "--events", str(events)],
        owner=workspace.job_owner,
        about=f"an autoencoder of {run.name}",
    )
    events.unlink(missing_ok=True)  # of an earlier job; the process is not that far yet


def stop_training(run: RunView) -> None:
    """Ask it to end; earlier results stay."""
    jobs.stop(_target(run))


def look_at_training(run: RunView) -> TrainingJob | None:
    """The latest job; None where the app has started none."""
    job = jobs.read(_target(run))
    if job is None:
        return None
    if not job.alive:
        return TrainingJob(False, problem="" if job.stop_requested else jobs.last_words(_target(run)))
    if job.stop_requested:
        return TrainingJob(True, "Stopping")
    if job.place:
        return TrainingJob(True, "Waiting for other jobs to end")
    return _progress(jobs.events_file(_target(run)))


def _progress(events: Path) -> TrainingJob:
    latest = next((event for event in reversed(read_events(events)) if isinstance(event, Progress)), None)
    if latest is None or latest.stage not in _DOING:
        return TrainingJob(True, "Starting")
    if latest.is_complete:
        return TrainingJob(True, "Looking at what it has learned" if latest.stage == "autoencode" else "Starting")
    doing = f"{_DOING[latest.stage]}: {latest.done:,} of {latest.total:,}" if latest.total else _DOING[latest.stage]
    return TrainingJob(True, doing, latest.done / latest.total if latest.total else None)


def _target(run: RunView) -> Path:
    return run.folder / FOLDER / "job"
