"""The state of a run folder, whatever its condition."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import filelock
import pytest

from autotl.runs.new_folder import LOCK_FILE
from autotl.runs.state import SILENT_SECONDS, find_state

RESULTS = json.loads((Path(__file__).parent / "recorded_results.json").read_text(encoding="utf-8"))
RESULT = next(iter(RESULTS.values())) if isinstance(RESULTS, dict) else RESULTS[0]
CONFIG = {"data": "photos", "label": None, "patch": "fixes.csv", "objective": "accuracy", "budget_seconds": 60.0}


def write(folder: Path, *, seconds_ago: float = 1000.0, **state: object) -> Path:
    """A run.json that was written so long ago, and the table that is needed to resume."""
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"config": CONFIG, "spent_seconds": 12.5, **state}))
    (folder / "dataset.parquet").touch()
    written = time.time() - seconds_ago
    os.utime(folder / "run.json", (written, written))
    return folder


def test_a_folder_without_a_run_is_absent(tmp_path: Path) -> None:
    assert find_state(tmp_path).status == "absent"
    assert find_state(tmp_path / "nowhere").status == "absent"


@pytest.mark.parametrize(
    "text",
    [
        '{"status": "comp',
        "[]",
        "{}",
        "5",
        '{"status": "complete"}',
        '{"status": "x", "result": 5}',
        json.dumps({"status": "complete", "result": {**RESULT, "n_trials": float("inf")}}),
        "[" * 100_000,
    ],
)
def test_a_run_json_that_says_nothing_whole_is_damaged(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    state = find_state(tmp_path)
    assert (state.status, state.can_resume) == ("damaged", False)
    assert state.problem


def test_a_complete_run_has_a_result_and_cannot_be_resumed(tmp_path: Path) -> None:
    state = find_state(write(tmp_path / "run", status="complete", result=RESULT, fingerprint="abc"))
    assert (state.status, state.can_resume, state.fingerprint) == ("complete", False, "abc")
    assert state.result


def test_an_interrupted_run_can_be_resumed_where_its_data_set_was_written(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", status="interrupted")
    assert (find_state(folder).status, find_state(folder).can_resume) == ("interrupted", True)
    (folder / "dataset.parquet").unlink()
    assert not find_state(folder).can_resume


def test_an_unfinished_run_is_running_while_its_process_is_there_and_has_failed_after_that(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", status="running")
    assert find_state(folder, process_alive=True).status == "running"
    for state in (find_state(folder, process_alive=False), find_state(folder)):
        assert (state.status, state.can_resume, state.result) == ("failed", True, None)
        assert "It was killed" in state.problem


def test_without_word_of_a_process_the_lock_tells_or_what_was_written_a_moment_ago(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", status="running")
    with filelock.FileLock(folder / LOCK_FILE):
        assert find_state(folder).status == "running"
    assert find_state(folder).status == "failed"
    recent = write(tmp_path / "recent", status="running", seconds_ago=SILENT_SECONDS / 2)
    assert find_state(recent).status == "running"
    assert find_state(recent, process_alive=False).status == "failed"


def test_a_run_that_says_it_has_failed_has_failed_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", status="failed", error="boom", seconds_ago=0.0)
    assert find_state(folder).status == "failed"
    with filelock.FileLock(folder / LOCK_FILE):  # resumed, and nothing written yet
        assert find_state(folder).status == "running"


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    state = find_state(write(tmp_path / "run", status="failed", error="the disk is full"))
    assert (state.status, state.problem) == ("failed", "the disk is full")


def test_what_was_asked_for_is_read_and_odd_values_are_unknown(tmp_path: Path) -> None:
    state = find_state(write(tmp_path / "run", status="interrupted"))
    assert (state.data, state.patch, state.label, state.objective) == ("photos", "fixes.csv", "", "accuracy")
    assert (state.budget_seconds, state.trials, state.spent_seconds) == (60.0, None, 12.5)
    odd = find_state(write(tmp_path / "odd", status="interrupted", config=[1], spent_seconds="x", fingerprint=7))
    assert (odd.data, odd.budget_seconds, odd.spent_seconds, odd.fingerprint) == ("", None, 0.0, "")
    worse = {"data": 5, "budget_seconds": float("nan"), "trials": "many"}
    odd = find_state(write(tmp_path / "worse", status="interrupted", config=worse))
    assert (odd.data, odd.budget_seconds, odd.trials) == ("", None, None)
