"""The section about autoencoders: it trains one as a job, and shows what each has learned."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_runs
import psutil
import pytest
from app_pages import open_page, open_section, words
from made_autoencoders import write_made
from streamlit.testing.v1 import AppTest

from autotl.runs.autoencoders import SAMPLES, SHEETS, autoencoder_folder
from autotl.runs.event_log import EventWriter
from autotl.runs.events import Progress
from autotl_ui.jobs import jobs
from autotl_ui.jobs.jobs import BusyError, Job
from autotl_ui.results import autoencoder_jobs
from autotl_ui.results.autoencoder_jobs import look_at_training
from autotl_ui.workspace.runs import look


@pytest.fixture
def run(runs: Path) -> Path:
    made_runs.write_finished(runs / "good")
    return runs / "good"


def shown() -> AppTest:
    return open_section(open_page("results", run="good"), "Autoencoders")


def made_job(run: Path, **changes: Any) -> Path:
    """A job of this process, which lives."""
    target = run / "autoencoders" / "job"
    target.parent.mkdir(exist_ok=True)
    own = psutil.Process()
    job = Job(os.getpid(), own.create_time(), "autoencode", "", time.time())
    jobs._write(target, replace(job, **changes))
    return target


def test_what_was_learned_is_shown_with_its_sheets(run: Path) -> None:
    write_made(run)
    said = words(shown())
    assert "The vae reconstructs" in said
    for title in SHEETS.values():
        assert title in said
    assert "54 images of 16 x 16 pixels" in said


def test_a_sheet_that_is_gone_is_left_out(run: Path) -> None:
    write_made(run)
    (autoencoder_folder(run, "vae") / SAMPLES).unlink()
    assert SHEETS[SAMPLES] not in words(shown())


def test_a_click_starts_a_job_for_this_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[Any, ...]] = []
    monkeypatch.setattr(autoencoder_jobs.jobs, "start", lambda *given, **_more: started.append(given))
    app = shown()
    app.selectbox(key="autoencoder-method").set_value("autoencoder")
    app.selectbox(key="autoencoder-seconds").set_value(30)
    app.button(key="autoencoder-train").click().run()
    [(target, arguments)] = started
    assert target == run / "autoencoders" / "job"
    assert arguments[:6] == ["autoencode", str(run), "--method", "autoencoder", "--seconds", "30"]


def test_a_job_that_cannot_start_says_why(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BusyError("5 jobs of yours are running")

    monkeypatch.setattr(autoencoder_jobs.jobs, "start", refused)
    app = shown()
    app.button(key="autoencoder-train").click().run()
    assert [error.value for error in app.error] == ["The job could not be started: 5 jobs of yours are running."]


def test_a_running_job_shows_how_far_it_is_and_can_be_stopped(run: Path) -> None:
    target = made_job(run)
    EventWriter.create(jobs.events_file(target))(Progress("autoencode", 30, 120))
    job = look_at_training(look(run))
    assert job
    assert (job.is_running, job.doing, job.share) == (True, "Training: 30 of 120", 0.25)
    app = shown()
    assert app.button(key="autoencoder-stop")
    assert "autoencoder-train" not in {button.key for button in app.button}


@pytest.mark.parametrize(
    ("progress", "doing"),
    [
        (None, "Starting"),
        (Progress("small-images", 5, 10), "Reading the images: 5 of 10"),
        (Progress("small-images", 10, 10), "Starting"),
        (Progress("autoencode", 10, 10), "Looking at what it has learned"),
    ],
)
def test_each_stage_has_its_words(run: Path, progress: Progress | None, doing: str) -> None:
    target = made_job(run)
    if progress:
        EventWriter.create(jobs.events_file(target))(progress)
    job = look_at_training(look(run))
    assert job
    assert job.doing == doing


def test_a_failed_job_says_why_and_a_stopped_one_does_not(run: Path) -> None:
    target = made_job(run, pid=2**22 + 1)
    jobs.log_file(target).write_text("Error: the disk is full\n", encoding="utf-8")
    assert [error.value for error in shown().error] == ["the disk is full"]
    made_job(run, pid=2**22 + 1, stop_requested=time.time())
    assert not shown().error


def test_results_survive_what_a_job_leaves_beside_them(run: Path) -> None:
    write_made(run)
    made_job(run, pid=2**22 + 1)
    assert "Variational autoencoder" in [header.value for header in shown().subheader]


def test_a_run_of_texts_has_no_such_section(run: Path) -> None:
    state = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps({**state, "modality": "text"}), encoding="utf-8")
    app = open_page("results", run="good")
    assert "Report" in [tab.label for tab in app.tabs]
    assert "Autoencoders" not in [tab.label for tab in app.tabs]
