"""Jobs on a finished run: how far each is, what stops it, and why it failed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_runs
import psutil
import pytest
from app_pages import open_page, open_section
from made_autoencoders import write_made
from made_debias import made_method, made_outcome
from streamlit.testing.v1 import AppTest

from autotl.runs.debias import write_outcome
from autotl.runs.event_log import EventWriter
from autotl.runs.events import Progress
from autotl_ui.jobs import jobs
from autotl_ui.jobs.jobs import BusyError, Job
from autotl_ui.results import run_jobs
from autotl_ui.results.run_jobs import AUTOENCODE, DEBIAS, RunCommand, look_at_job
from autotl_ui.workspace.runs import look

TABS = {AUTOENCODE.name: ("Autoencoders", "autoencoder-train"), DEBIAS.name: ("Methods against bias", "debias-start")}
RESULTS: dict[str, Callable[[Path], object]] = {
    AUTOENCODE.name: write_made, DEBIAS.name: lambda run: write_outcome(run, made_outcome(made_method("dfr"))),
}  # fmt: skip
GONE = 2**22 + 1
both = pytest.mark.parametrize("command", [AUTOENCODE, DEBIAS], ids=lambda command: command.name)


@pytest.fixture
def run(runs: Path) -> Path:
    made_runs.write_finished(runs / "good")
    return runs / "good"


def shown(command: RunCommand) -> AppTest:
    return open_section(open_page("results", run="good"), TABS[command.name][0])


def made_job(command: RunCommand, run: Path, **changes: Any) -> Path:
    """A job of this process, which lives."""
    target = command.target(look(run))
    target.parent.mkdir(exist_ok=True)
    own = psutil.Process()
    job = Job(os.getpid(), own.create_time(), command.name, "", time.time())
    jobs._write(target, replace(job, **changes))
    return target


@both
def test_a_job_that_cannot_start_says_why(command: RunCommand, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BusyError("5 jobs of yours are running")

    monkeypatch.setattr(run_jobs.jobs, "start", refused)
    app = shown(command)
    app.button(key=TABS[command.name][1]).click().run()
    assert [error.value for error in app.error] == ["The job could not be started: 5 jobs of yours are running."]


@both
def test_a_running_job_shows_how_far_it_is_and_can_be_stopped(command: RunCommand, run: Path) -> None:
    target = made_job(command, run)
    EventWriter.create(jobs.events_file(target))(Progress(list(command.stages)[-1], 30, 120))
    job = look_at_job(command, look(run))
    assert job
    assert (job.is_running, job.share) == (True, 0.25)
    assert job.doing.endswith(": 30 of 120")
    app = shown(command)
    assert app.button(key=f"{command.name}-stop")
    assert TABS[command.name][1] not in {button.key for button in app.button}


@pytest.mark.parametrize(
    ("command", "progress", "doing"),
    [
        (AUTOENCODE, None, "Starting"),
        (AUTOENCODE, Progress("small-images", 5, 10), "Reading the images: 5 of 10"),
        (AUTOENCODE, Progress("small-images", 10, 10), "Starting"),
        (DEBIAS, Progress("jtt: fine-tuning", 3, 20), "Starting"),
        (AUTOENCODE, Progress("autoencode", 10, 10), "Looking at what it has learned"),
        (DEBIAS, Progress("debias", 3, 40), "Fits done: 3 of 40"),
        (DEBIAS, Progress("debias", 3, 40, eta_seconds=120.0), "Fits done: 3 of 40, about 2 min left"),
        (DEBIAS, Progress("debias", 40, 40), "Comparing with the champion"),
    ],
)
def test_each_stage_has_its_words(command: RunCommand, run: Path, progress: Progress | None, doing: str) -> None:
    target = made_job(command, run)
    if progress:
        EventWriter.create(jobs.events_file(target))(progress)
    job = look_at_job(command, look(run))
    assert job
    assert job.doing == doing


@both
def test_a_failed_job_says_why_and_a_stopped_one_does_not(command: RunCommand, run: Path) -> None:
    target = made_job(command, run, pid=GONE)
    jobs.log_file(target).write_text("Error: the disk is full\n", encoding="utf-8")
    assert [error.value for error in shown(command).error] == ["the disk is full"]
    made_job(command, run, pid=GONE, stop_requested=time.time())
    assert not shown(command).error


@both
def test_results_survive_what_a_job_leaves_beside_them(command: RunCommand, run: Path) -> None:
    RESULTS[command.name](run)
    before = len(shown(command).dataframe)
    made_job(command, run, pid=GONE)
    assert len(shown(command).dataframe) == before > 0
