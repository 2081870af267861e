"""A run as the app sees it: its state, and the job of this app that works on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from autotl.data.item_kinds import IMAGES, KINDS, ItemKind
from autotl.runs.result import RunResult
from autotl.runs.state import RunState, find_state, last_change
from autotl.runs.target_folders import TARGETS
from autotl.targets import CLASSES, ORDERED
from autotl_ui.jobs import jobs

Status: TypeAlias = Literal["queued", "starting", "running", "complete", "interrupted", "failed", "damaged"]


@dataclass(frozen=True)
class RunView:
    """A run folder, read.

    started: seconds since the epoch. problem: why it failed, or what is damaged. state: what its files say. study: the
    name of the run of several targets that it belongs to; empty for any other. targets: their runs, for a run of
    several.
    """

    name: str
    folder: Path
    status: Status
    started: float
    state: RunState
    problem: str = ""
    job: jobs.Job | None = None
    study: str = ""
    targets: tuple[RunView, ...] = ()

    @property
    def active(self) -> bool:
        """Whether a process is working on it, or waits to."""
        return self.status in ("queued", "starting", "running")

    @property
    def result(self) -> RunResult | None:
        """What the search found; None until it has ended with a model."""
        return None if self.active else self.state.result

    @property
    def can_resume(self) -> bool:
        """Whether it ended early and can be continued."""
        return not self.active and self.state.can_resume and not self.study

    @property
    def refits(self) -> bool:
        """Whether it fits the champion of another run again."""
        return self.state.refit or (self.job is not None and self.job.kind == "refit")

    @property
    def has_begun(self) -> bool:
        """Whether there is a run folder that can be read."""
        return self.state.status not in ("absent", "damaged")

    @property
    def data(self) -> Path | None:
        """What it learns from; None if its run.json does not say."""
        return self._path(self.state.data)

    @property
    def label(self) -> str | None:
        """The column of the labels, if one was named."""
        return self.state.label or None

    @property
    def text(self) -> str | None:
        """The column of the texts, if one was named."""
        return self.state.text or None

    @property
    def image(self) -> str | None:
        """The column of the images, if one was named."""
        return self.state.image or None

    @property
    def patch(self) -> Path | None:
        """The file of the decisions, if one was named."""
        return self._path(self.state.patch)

    def _path(self, path: str) -> Path | None:
        # The command line was called in the folder of the workspace, or given a whole path.
        return self.folder.parent.parent / path if path else None

    @property
    def kind(self) -> ItemKind:
        """The kind of its items, which says what they are called."""
        return KINDS.get(self.state.modality, IMAGES)

    @property
    def champion(self) -> Path:
        """Where the deployable is."""
        return self.folder / "champion"

    @property
    def report(self) -> Path | None:
        """The report; None if there is none."""
        path = self.folder / "report.html"
        return path if path.exists() else None


def has_classes(run: RunView) -> bool:
    """Whether it learns one class for each item."""
    return run.state.target in (CLASSES, ORDERED)


def has_model(run: RunView) -> bool:
    """Whether it has ended with a model: of its target, or one that answers several."""
    several = bool(run.state.targets) and not run.active
    return run.result is not None or (several and (run.champion / "model.onnx").exists())


def results_of(study: RunView) -> dict[str, RunResult]:
    """What was found for each of several targets that has a result, by name; empty for any other run."""
    return {run.label or run.folder.name: run.result for run in study.targets if run.result}


def title_of(run: RunView) -> str:
    """What lists of models call it."""
    return f"{run.name}, all targets" if run.state.targets else run.name


def look(folder: Path) -> RunView:
    """Read a run folder; whatever its condition, this gives a view of it."""
    job = jobs.read(folder)
    state = find_state(folder, process_alive=job.alive if job else None)
    status, problem = _status(folder, state, job)
    return RunView(folder.name, folder, status, job.started if job else last_change(folder), state, problem, job)


def with_targets(study: RunView) -> RunView:
    """A run of several targets with the runs of these; any other as it is."""
    found = (look(study.folder / place) for place in study.state.targets)
    targets = (replace(run, name=f"{study.name}/{TARGETS}/{run.name}", study=study.name) for run in found)
    return replace(study, targets=tuple(targets))


def _status(folder: Path, state: RunState, job: jobs.Job | None) -> tuple[Status, str]:
    """The status, and what is wrong, as the run folder and the job together tell it."""
    if state.status in ("complete", "damaged"):
        return state.status, state.problem
    if state.status == "absent":
        return _status_of_nothing(folder, job) if job else ("damaged", state.problem)
    if job and _about_to_resume(folder, job):
        return _waiting(job), ""
    if state.status != "failed":
        return state.status, ""
    if job and job.stop_requested:
        return "interrupted", ""
    return "failed", jobs.last_words(folder) or state.problem


def _status_of_nothing(folder: Path, job: jobs.Job) -> tuple[Status, str]:
    """The same, where the job has written nothing yet."""
    if job.alive:
        return _waiting(job), ""
    if job.stop_requested:
        return "interrupted", "It was stopped before it had begun; nothing was written."
    return "failed", jobs.last_words(folder) or "The search ended before it had begun."


def _waiting(job: jobs.Job) -> Status:
    return "queued" if job.place else "starting"


def _about_to_resume(folder: Path, job: jobs.Job) -> bool:
    """Whether a process that is to carry the run on has not written anything yet."""
    if job.kind != "resume" or not job.alive:
        return False
    return job.place > 0 or (folder / "run.json").stat().st_mtime < job.began
