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


BEGUN = {"event": "trial-begin", "strategy": "probe", "backbone": "net"}
REFIT = (
    ({"event": "progress", "stage": "hash", "done": 80, "total": 80}, 0.0),
    ({"event": "dataset", "n_items": 80, "classes": ["a", "b"]}, 0.0),
    ({"event": "begin", "spent_seconds": 9.0}, 0.25),
    ({**BEGUN, "trial": 1, "head": "logistic"}, 0.25),
    (trial(1, 2e9, 1), 0.25),
    ({**BEGUN, "trial": 2, "head": "svm"}, 0.5),
    ({"event": "progress", "stage": "fine-tuning", "done": 5, "total": 6}, 0.5),
    (trial(2, 2e9, 2), 0.5),
    ({"event": "stage", "stage": "conclude"}, 0.75),
)


@pytest.mark.parametrize("n_events", range(1, len(REFIT) + 1))
@pytest.mark.parametrize("by_the_app", [True, False])
def test_the_bar_of_a_refit_counts_steps_and_is_never_full_before_its_end(
    n_events: int, by_the_app: bool, runs: Path, sleeper: psutil.Process
) -> None:
    made_runs.write_running(runs / "again")
    state = json.loads((runs / "again" / "run.json").read_text())
    state["config"] |= {"budget_seconds": None, "trials": 1} | ({} if by_the_app else {"refit": "former"})
    (runs / "again" / "run.json").write_text(json.dumps(state))
    made_runs.write_job(runs / "again", pid=sleeper.pid, created=sleeper.create_time())
    job = runs / "again.job.json"
    job.write_text(json.dumps(json.loads(job.read_text()) | {"kind": "refit" if by_the_app else "resume"}))
    lines = [json.dumps({"time": 2e9, **event}) for event, _ in REFIT[:n_events]]
    (runs / "again" / "events.jsonl").write_text("\n".join(lines) + "\n")
    progress = read_progress(look(runs / "again"))
    assert progress.share == REFIT[n_events - 1][1]
    assert progress.timing.startswith(f"step {1 + int(4 * REFIT[n_events - 1][1])} of 4, ")


@pytest.mark.parametrize("n_ended", [0, 1, 3, 4])
def test_after_the_last_trial_the_bar_still_has_the_test_to_come(
    n_ended: int, runs: Path, sleeper: psutil.Process
) -> None:
    made_runs.write_running(runs / "busy")
    state = json.loads((runs / "busy" / "run.json").read_text())
    state["config"] |= {"budget_seconds": None, "trials": 3}
    (runs / "busy" / "run.json").write_text(json.dumps(state))
    made_runs.write_job(runs / "busy", pid=sleeper.pid, created=sleeper.create_time())
    lines = [json.dumps(trial(number, 1.0, 1)) for number in range(1, n_ended + 1)]
    (runs / "busy" / "events.jsonl").write_text("\n".join(lines) + "\n")
    assert read_progress(look(runs / "busy")).share == min(n_ended, 3) / 4
