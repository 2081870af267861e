"""How far a search has come."""

from __future__ import annotations

import json
import time
from pathlib import Path

import made_runs
import psutil
import pytest

from autotl_ui.widgets.search_progress import read_bests, read_progress
from autotl_ui.workspace.runs import look


def trial(number: int, when: float, best: int, value: float = 0.8) -> dict[str, object]:
    return {
        "event": "trial", "time": when, "number": number, "name": f"t{number}", "value": value, "low": value - 0.1,
        "high": value + 0.1, "best_trial": best, "strategy": "probe", "seconds": 2.0,
    }  # fmt: skip


def test_the_best_so_far_is_told_over_the_time_at_work_and_not_the_time_between_attempts() -> None:
    events = [
        {"event": "dataset", "time": 1000.0}, {"event": "begin", "time": 1002.0, "spent_seconds": 7.0},
        trial(1, 1005.0, 1), trial(2, 1006.0, 1, 0.7),
        {"event": "begin", "time": 9000.0, "spent_seconds": 12.0}, trial(3, 9003.0, 3, 0.9),
    ]  # fmt: skip
    assert [(best.trial, best.seconds, best.score.value) for best in read_bests(events)] == [
        (1, 10.0, 0.8),
        (3, 15.0, 0.9),
    ]


def test_a_run_without_attempts_in_its_events_counts_from_the_first() -> None:
    assert [best.seconds for best in read_bests([{"event": "dataset", "time": 50.0}, trial(1, 60.0, 1)])] == [10.0]
    assert read_bests([]) == ()


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


@pytest.mark.parametrize(
    ("ages", "pace"),
    [((), ""), ((5.0, 1.0), ""), ((18.0, 10.0, 2.0), "9 trials/min"), ((400.0, 50.0, 30.0), "2 trials/min"),
     ((400.0, 90.0), "")],
)  # fmt: skip
def test_the_pace_is_that_of_the_last_minute_or_of_the_time_since_the_first_trial(
    ages: tuple[float, ...], pace: str, runs: Path
) -> None:
    made_runs.write_running(runs / "busy")
    with (runs / "busy" / "events.jsonl").open("a") as file:
        file.write("\n")
        for number, age in enumerate(ages):
            file.write(json.dumps(trial(number, time.time() - age, 0)) + "\n")
    assert read_progress(look(runs / "busy")).pace == pace


def test_before_there_is_a_run_folder_the_log_tells_how_far_the_scan_is(runs: Path, sleeper: psutil.Process) -> None:
    made_runs.write_job(runs / "new", pid=sleeper.pid, created=sleeper.create_time())
    log = "== autotl fit\n    10s  hashing files: 800 of 800, ETA 0s\n    20s  looking at images: 640 of 2000, 50/s\n"
    (runs / "new.log").write_text(log)
    progress = read_progress(look(runs / "new"))
    assert progress.doing == "Looking at images: 640 of 2000."
    assert progress.budget_seconds == 60
