"""Files edited by hand or cut off: every page stays kind, and says what is the case."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import made_runs
import psutil
import pytest
from app_pages import APP, PAGES, open_page, words
from streamlit.testing.v1 import AppTest

from autotl.data.patch import patch_file
from autotl.runs.event_log import read_events
from autotl_ui.jobs import jobs
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.workspace import Workspace

pytestmark = pytest.mark.heavy

JUNK = b"\0\xff\xfe junk"
SECTIONS = ("Most confident mistakes", "Per-class scores", "Leaderboard", "Scores and panels", "Compare", "Report")
PATCH_HEAD = b"decision,item,label,sha256,note\n"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run and its dataset, made once."""
    root = tmp_path_factory.mktemp("whole")
    made_runs.write_finished(root / "autotl-runs" / "good")
    return root


@pytest.fixture
def good(finished: Path, runs: Path) -> Path:
    shutil.copytree(finished, runs.parent, dirs_exist_ok=True)
    workspace = Workspace(runs.parent)
    save_data_set(workspace, DataSet("photos", "Photos", runs.parent / "photos"))
    return runs / "good"


def see(page: str, **state: str) -> AppTest:
    """A page about the run, with something chosen in it."""
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    app.query_params["run" if page != "data" else "data"] = "good" if page != "data" else "photos"
    app.switch_page(PAGES[page]).run()
    assert not app.exception, [error.message for error in app.exception]
    return app


def holds(app: AppTest, about: object) -> None:
    """Draw a page once more, after something that it reads has changed."""
    app.run()
    assert not app.exception, (about, [error.message for error in app.exception])


FILES = ("evidence/*", "dataset.parquet", "split.*", "leaderboard.csv", "events.jsonl", "champion/metadata.json")


@pytest.mark.parametrize("content", [JUNK, "half"])
@pytest.mark.parametrize("name", FILES)
def test_a_run_with_a_damaged_file_shows_the_rest(name: str, content: Any, good: Path) -> None:
    for file in good.glob(name):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if content == "half" else content)
    assert "Champion:" in words(see("results"))
    for section in SECTIONS if "evidence" in name else SECTIONS[2:5]:
        see("results", section=section)
    see("try" if "champion" in name else "label")


@pytest.mark.parametrize(
    "change",
    [
        {"config": 7}, {"config": {"data": 7}}, {"config": {"data": "gone", "patch": 5, "label": []}},
        {"config": {"data": "photos", "budget_seconds": "x", "trials": []}}, {"spent_seconds": "x"}, {"status": 7},
        {"status": "running"}, {"status": "failed", "result": None}, {"fingerprint": 5}, {"findings": 3},
    ],
)  # fmt: skip
@pytest.mark.parametrize("page", ["results", "train", "label"])
def test_a_run_json_edited_by_hand_breaks_no_page(page: str, change: dict[str, Any], good: Path) -> None:
    state = json.loads((good / "run.json").read_text())
    (good / "run.json").write_text(json.dumps(state | change))
    see(page)


def test_a_result_edited_by_hand_breaks_no_page(good: Path) -> None:
    whole, app = (good / "run.json").read_text(), see("results")
    for name in ("objective", "champion", "search", "test", "verdict", "n_items", "refit", "seconds"):
        for value in ("x", None, {"a": None}):
            state = json.loads(whole)
            state["result"][name] = value
            (good / "run.json").write_text(json.dumps(state))
            holds(app, (name, value))


def test_a_job_file_edited_by_hand_breaks_no_page(runs: Path) -> None:
    made_runs.write_running(runs / "busy")
    made_runs.write_job(runs / "busy", pid=2**22 + 1, created=0.0)
    file, app = runs / "busy.job.json", open_page("train", run="busy")
    whole = json.loads(file.read_text())
    for name in ("pid", "created", "kind", "about", "started", "budget_seconds", "stop_requested"):
        for value in (-1, 10**30, None, [1], float("nan")):
            file.write_text(json.dumps(whole | {name: value}))
            jobs.stop(runs / "busy")
            holds(app, (name, value))


@pytest.mark.parametrize(
    "line",
    [
        {"event": "dataset", "n_items": 1, "classes": 5},
        {"event": "dataset", "n_items": 1, "classes": [], "time": [1]},
        {"event": "trial", "number": 1, "time": float("nan")}, {"event": "trial", "number": 1, "time": "x"},
        {"event": "trial", "number": 1, "value": float("inf")}, [], 7, {"event": 7},
    ],
)  # fmt: skip
def test_odd_lines_among_the_events_are_passed_over(line: Any, runs: Path, sleeper: psutil.Process) -> None:
    made_runs.write_running(runs / "busy")
    made_runs.write_job(runs / "busy", pid=sleeper.pid, created=sleeper.create_time())
    events = runs / "busy" / "events.jsonl"
    before = len(read_events(runs / "busy" / "events.jsonl"))
    events.write_text(events.read_text() + "\n" + json.dumps(line) + "\n")
    assert "Computing features: 64 of 90 images" in words(open_page("train", run="busy"))
    assert len(read_events(runs / "busy" / "events.jsonl")) == before


@pytest.mark.parametrize(
    "content",
    [
        b"", JUNK, b"decision;item\n", PATCH_HEAD + b"foo,a,b,,\n", PATCH_HEAD + b"relabel,nosuch,b,,\n",
        PATCH_HEAD + b"merge,bird_s,*cats*,,\nmerge,*cats*,bird_s,,\n", PATCH_HEAD + b'exclude,"unclosed\n',
    ],
)  # fmt: skip
def test_a_patch_file_edited_by_hand_breaks_no_page(content: bytes, good: Path) -> None:
    patch_file(good.parent.parent / "photos").write_bytes(content)
    for section in ("Overview", "Images", "Check", "Decisions"):
        see("data", section=section)
    see("label")
    see("results")


@pytest.mark.parametrize("page", ["data", "label"])
def test_a_card_edited_by_hand_breaks_no_page(page: str, good: Path) -> None:
    [card] = Workspace(good.parent.parent).data.glob("*.dataset.json")
    whole, app = json.loads(card.read_text()), see(page)
    for name in ("title", "path", "label", "origin", "name", "skipped"):
        for value in (5, None, [1], "a\0b", "x" * 5000):
            card.write_text(json.dumps(whole | {name: value}))
            holds(app, (name, value))


FOUND = {
    "check": "label-errors", "severity": "warning", "message": "m", "advice": "b", "items": ["bird_s/0.png"],
    "pairs": [["a", "b"]], "fixes": [["relabel", "a", "b"]], "proposals": [["exclude", "a"]],
}  # fmt: skip


@pytest.mark.parametrize("page", ["data", "label"])
def test_what_a_check_found_edited_by_hand_breaks_no_page(page: str, good: Path) -> None:
    target = Workspace(good.parent.parent).data / "photos.check.json"
    made_runs.write_job(target, pid=2**22 + 1, created=0.0)
    app = see(page, section="Check") if page == "data" else see(page)
    whole: dict[str, Any] = {"findings": [FOUND], "decisions": [], "set_aside": [["a", "b"]]}
    for name in (*FOUND, "set_aside", "findings", "decisions", "refusal", "skipped"):
        for value in (5, "x", [[1]], {"a": 1}):
            changed = {"findings": [FOUND | {name: value}]} if name in FOUND else {name: value}
            target.write_text(json.dumps(whole | changed))
            holds(app, (name, value))


def test_a_check_that_was_half_written_is_said_to_have_failed(good: Path) -> None:
    target = Workspace(good.parent.parent).data / "photos.check.json"
    made_runs.write_job(target, pid=2**22 + 1, created=0.0)
    target.write_text('{"findings": [')
    assert "The check could not be done" in words(see("data", section="Check"))


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0junk", None])
def test_a_damaged_registry_is_said_and_the_models_stay_to_be_had(content: bytes | None, good: Path) -> None:
    database = good.parent / "mlflow.db"
    if content is None:
        database.mkdir()
    else:
        database.write_bytes(content)
    see("models")
    if content:
        assert database.read_bytes() == content
