"""Style transfers of the app: the status of each is true, whatever happened to its process."""

from __future__ import annotations

import json
from pathlib import Path

import made_runs
import psutil
import pytest
from PIL import Image

from autotl.runs.events import Progress
from autotl_ui.jobs import jobs
from autotl_ui.style.style_jobs import StyleJob, StyleOptions, known_stages, list_jobs, look, start_job
from autotl_ui.workspace.workspace import Workspace


@pytest.fixture
def file(runs: Path) -> Path:
    """An image, half done, whose process is gone."""
    file = runs.parent / "autotl-styles" / "cat-in-the-style-of-sky.png"
    made_runs.write_job(file, pid=2**22 + 1, created=0.0)
    Image.new("RGB", (8, 8), "red").save(file)
    event = Progress("style", 40, 300, 2.0, 130.0)
    jobs.events_file(file).write_text(json.dumps(event.to_json()) + "\n", encoding="utf-8")
    return file


def seen(file: Path) -> StyleJob:
    one = look(file)
    assert one
    return one


def write_numbers(file: Path, **numbers: object) -> None:
    file.with_name(f"{file.name}.json").write_text(json.dumps(numbers), encoding="utf-8")


def test_a_killed_job_has_failed_and_its_image_is_kept(file: Path) -> None:
    one = seen(file)
    assert (one.status, one.progress.done) == ("failed", 40)
    assert "before the image was finished" in one.problem
    assert one.file.exists()


def test_the_last_words_of_a_job_are_its_problem(file: Path) -> None:
    jobs.log_file(file).write_text("Error: the style image cannot be read\n", encoding="utf-8")
    assert seen(file).problem == "the style image cannot be read"


def test_a_job_at_work_is_running_and_one_that_was_stopped_has_not_failed(file: Path, sleeper: psutil.Process) -> None:
    made_runs.write_job(file, pid=sleeper.pid, created=sleeper.create_time())
    assert seen(file).status == "running"
    jobs.stop(file)
    sleeper.wait(timeout=10)
    assert (seen(file).status, seen(file).problem) == ("stopped", "")


@pytest.mark.parametrize(("said", "status"), [("complete", "complete"), ("interrupted", "stopped")])
def test_what_the_command_said_at_its_end_counts(file: Path, said: str, status: str) -> None:
    write_numbers(file, status=said, style_reduction=0.9)
    assert seen(file).status == status
    assert seen(file).numbers["style_reduction"] == 0.9


def test_damaged_numbers_are_none(file: Path) -> None:
    file.with_name(f"{file.name}.json").write_text('{"status": "comp')
    assert seen(file).status == "failed"


def test_the_latest_image_comes_first(file: Path) -> None:
    later = file.with_name("later.png")
    made_runs.write_job(later, pid=2**22 + 1, created=0.0)
    job = json.loads(later.with_name("later.png.job.json").read_text())
    later.with_name("later.png.job.json").write_text(json.dumps({**job, "started": job["started"] + 60}))
    assert [one.file.name for one in list_jobs(Workspace(file.parents[1]))] == ["later.png", file.name]


def test_stages_are_known_once_they_were_compared(file: Path) -> None:
    workspace = Workspace(file.parents[1])
    assert known_stages(workspace, "net") == ()
    write_numbers(file, status="complete", backbone="net", stages=[{"stage": "a"}, {"stage": "b"}])
    assert known_stages(workspace, "net") == ("a", "b")
    assert known_stages(workspace, "other") == ()


def test_the_command_is_told_what_was_chosen(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _file, arguments, **_: started.append(list(arguments)))
    workspace = Workspace(runs.parent)
    options = StyleOptions("net", 128, 3.0, ("a", "b"), grid=True)
    file = start_job(workspace, Path("/x/My cat.png"), Path("/x/sky.jpg"), options)
    assert file.name == "my-cat-in-the-style-of-sky-by-stage.png"
    [command] = started
    assert command[:5] == ["style", "/x/My cat.png", "/x/sky.jpg", "--out", str(file)]
    assert command[5:14] == [
        "--backbone", "net", "--size", "128", "--strength", "3", "--style-stages", "a,b", "--grid",
    ]  # fmt: skip


def test_no_image_is_replaced(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "start", lambda *_, **__: None)
    again = start_job(Workspace(file.parents[1]), Path("cat.png"), Path("sky.png"), StyleOptions("net", 128, 1.0))
    assert again.name == "cat-in-the-style-of-sky-2.png"
