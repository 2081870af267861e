"""A search that is requested on the Train page becomes a command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import made_runs
import pytest
from label_data import write_image

from autotl_ui.jobs import jobs
from autotl_ui.server.access import current
from autotl_ui.train.start_search import SearchRequest, arguments, find_problem, resume_search, start_search
from autotl_ui.workspace.data_sets import DataSet
from autotl_ui.workspace.runs import look
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def wanted(tmp_path: Path) -> SearchRequest:
    for number in range(10):
        write_image(tmp_path / "photos" / ("a" if number % 2 else "b") / f"{number}.png", shade=20 * number)
    return SearchRequest(DataSet("photos", "Photos", tmp_path / "photos"), 180)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines of the jobs that were started."""
    commands: list[list[str]] = []

    def start(target: Path, arguments: list[str], **options: object) -> None:
        commands.append(arguments)
        made_runs.write_failed(target, "only a test")

    monkeypatch.setattr(jobs, "start", start)
    return commands


def test_defaults_are_left_out_of_the_command_line(wanted: SearchRequest, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert arguments(wanted, run) == [
        "fit", str(wanted.data_set.path), f"--run={run}", "--budget=180s", "--objective=balanced_accuracy",
        "--strategy=auto", f"--events={run}.events.jsonl",
    ]  # fmt: skip


def test_every_choice_reaches_the_command_line_and_none_can_pass_for_an_option(
    wanted: SearchRequest, tmp_path: Path
) -> None:
    table = DataSet("t", "T", tmp_path / "t.csv", label="kind")
    asked = replace(
        wanted, data_set=table, trials=9, backbones=("a", "b"), heads=("svm",), groups="--storage", mirrored=True,
        seed=3, workers=2, register="-x", leave_out=True,
    )  # fmt: skip
    assert arguments(asked, tmp_path)[6:] == [
        "--trials=9", "--backbones=a,b", "--heads=svm", "--groups=--storage", "--seed=3", "--workers=2",
        "--register=-x", "--min-per-class=4", f"--events={tmp_path}.events.jsonl", "--mirrored", "--label", "kind",
    ]  # fmt: skip


def test_crops_are_compared_with_whole_images(wanted: SearchRequest, tmp_path: Path) -> None:
    assert "--crops=none,faces,largest-object" in arguments(
        replace(wanted, crops=("faces", "largest-object")), tmp_path
    )


def test_the_command_line_understands_what_the_page_says(wanted: SearchRequest, tmp_path: Path) -> None:
    from typer.main import get_command

    from autotl.cli.app import app

    asked = replace(wanted, trials=9, groups="--storage", mirrored=True, seed=3, workers=2, register="-x")
    name, *options = arguments(asked, tmp_path / "run")
    found = get_command(app).commands[name].make_context(name, options).params  # type: ignore[attr-defined]
    assert found["groups"] == "--storage"
    assert found["register"] == "-x"
    assert found["mirrored"] is True
    assert (found["trials"], found["seed"], found["workers"], found["budget"]) == (9, 3, "2", "180s")


def test_no_worker_processes_are_as_many_as_suit_the_machine(wanted: SearchRequest, tmp_path: Path) -> None:
    assert "--workers=auto" in arguments(replace(wanted, workers=0), tmp_path / "run")


def test_problems_are_found_before_anything_is_started(wanted: SearchRequest, tmp_path: Path) -> None:
    mine, shared = Workspace(tmp_path), Workspace(tmp_path, whole_machine=False)
    assert find_problem(wanted, mine) == ""
    gone = replace(wanted, data_set=replace(wanted.data_set, path=tmp_path / "gone"))
    assert "there is nothing at" in find_problem(gone, mine)
    assert "cannot be the name of a registered model" in find_problem(replace(wanted, register="a/b"), mine)
    table = replace(wanted, groups="/etc/groups.csv")
    assert "/etc/groups.csv" in find_problem(table, mine)
    assert "capturing group" in find_problem(replace(wanted, groups="x+"), mine)
    assert find_problem(replace(wanted, groups=r"(\d)\.png"), mine) == ""
    assert "cannot be divided" in find_problem(replace(wanted, groups=r"(.)/"), mine)
    assert "cannot be read from a table here" in find_problem(table, shared)


def test_two_searches_started_in_the_same_second_do_not_collide(
    wanted: SearchRequest, tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda *_: "now")
    names = [start_search(wanted, Workspace(tmp_path)) for _ in range(3)]
    assert names == ["photos-now", "photos-now-2", "photos-now-3"]
    assert len(started) == 3


def test_a_run_that_has_its_data_set_can_be_resumed(runs: Path, started: list[list[str]]) -> None:
    made_runs.write_running(runs / "killed")
    made_runs.write_job(runs / "killed", pid=2**22 + 1, created=0.0)
    assert not look(runs / "killed").can_resume
    (runs / "killed" / "dataset.parquet").touch()
    assert look(runs / "killed").can_resume
    resume_search(current(), look(runs / "killed"))
    assert started == [["resume", str(runs / "killed")]]
    made_runs.write_finished(runs / "done")
    (runs / "done" / "dataset.parquet").touch()
    assert not look(runs / "done").can_resume
