"""How far a search has come."""

from __future__ import annotations

import json
import time
from pathlib import Path

import made_runs
import psutil
import pytest

from autotl.runs.event_log import EventWriter
from autotl.runs.events import Progress
from autotl_ui.widgets.search_progress import read_progress
from autotl_ui.workspace.runs import look


def trial(number: int, when: float, best: int, value: float = 0.8) -> dict[str, object]:
    return {
        "event": "trial", "time": when, "number": number, "name": f"t{number}", "value": value, "low": value - 0.1,
        "high": value + 0.1, "best_trial": best, "strategy": "probe", "seconds": 2.0,
    }  # fmt: skip


def test_time_spent_is_counted_from_the_latest_attempt(runs: Path, sleeper: psutil.Process) -> None:
    made_runs.write_running(runs / "busy")
    made_runs.write_job(runs / "busy", pid=sleeper.pid, created=sleeper.create_time())
    with (runs / "busy" / "events.jsonl").open("a") as file:
        file.write("\n" + json.dumps({"event": "begin", "time": time.time() - 5, "spent_seconds": 20.0}) + "\n")
        file.write(json.dumps(trial(1, time.time(), 1)) + "\n")
    # An attempt that began before the job that is at work now is another one.
    early = read_progress(look(runs / "busy"))
    assert early.spent_seconds < 5
    with (runs / "busy" / "events.jsonl").open("a") as file:
        file.write(json.dumps({"event": "begin", "time": time.time(), "spent_seconds": 20.0}) + "\n")
    progress = read_progress(look(runs / "busy"))
    assert progress.spent_seconds == pytest.approx(20, abs=2)
    assert progress.share == pytest.approx(20 / 60, abs=0.05)
    assert progress.pace == ""
    assert progress.costs == {"probe": 2.0}


def test_the_time_of_a_search_that_has_ended_goes_on_no_more(runs: Path) -> None:
    made_runs.write_finished(runs / "done")
    with (runs / "done" / "events.jsonl").open("a") as file:
        file.write(json.dumps({"event": "begin", "time": time.time() - 500, "spent_seconds": 0.0}) + "\n")
    assert read_progress(look(runs / "done")).spent_seconds == 12.5


def test_the_pace_is_told_in_trials_or_while_features_are_read_in_images(runs: Path) -> None:
    made_runs.write_running(runs / "busy")
    assert read_progress(look(runs / "busy")).pace == ""
    events = runs / "busy" / "events.jsonl"
    lines = [trial(number, time.time() - age, 0) for number, age in enumerate((18.0, 10.0, 2.0))]
    reading = {"event": "progress", "stage": "features", "done": 5, "total": 9, "rate": 123.4}
    for line, pace in (({"event": "stage"}, ""), *((line, None) for line in lines), (reading, "123 images/s")):
        with events.open("a") as file:
            file.write("\n" + json.dumps(line) + "\n")
        if pace is not None:
            assert read_progress(look(runs / "busy")).pace == pace
        elif line is lines[-1]:
            assert read_progress(look(runs / "busy")).pace == "9 trials/min"


def test_before_there_is_a_run_folder_the_events_of_the_job_tell_how_far_the_scan_is(
    runs: Path, sleeper: psutil.Process
) -> None:
    made_runs.write_job(runs / "new", pid=sleeper.pid, created=sleeper.create_time())
    assert read_progress(look(runs / "new")).doing == "Starting to read the data."
    write = EventWriter.create(runs / "new.events.jsonl")
    for event in (Progress("hash", 800, 800), Progress("scan", 640, 2000)):
        write(event)
    progress = read_progress(look(runs / "new"))
    assert progress.doing == "Looking at the images: 640 of 2,000."
    assert progress.budget_seconds == 60
