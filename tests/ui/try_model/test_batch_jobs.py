"""Tables of predictions: the status of each is true, whatever happened to its process."""

from __future__ import annotations

import json
import time
from pathlib import Path

import made_runs
import psutil
import pytest
from label_data import write_image

from autotl.runs.events import Progress
from autotl_ui.jobs import jobs
from autotl_ui.try_model.batch_jobs import Batch, list_batches, look, start_batch, summarise
from autotl_ui.workspace.runs import look as look_at_run
from autotl_ui.workspace.workspace import Workspace

HEADER = "item,label,cat,error,error\n"
"""One of the classes is called "error"."""


@pytest.fixture
def file(runs: Path) -> Path:
    """A table of 100 images, half done, whose process is gone."""
    file = runs.parent / "autotl-predictions" / "new-by-run.csv"
    made_runs.write_job(file, pid=2**22 + 1, created=0.0)
    rows = [f"/d/{n}.png,{'cat' if n % 5 else 'error'},0.7,0.3,\n" for n in range(49)] + ["/d/49.png,,,,it is torn\n"]
    file.write_text(HEADER + "".join(rows), encoding="utf-8")
    tell(file, 0, 25, 50)
    return file


def tell(file: Path, *steps: int) -> None:
    events = [Progress("predict", done, 100, *((5.0, (100 - done) / 5) if done else ())) for done in steps]
    lines = [json.dumps(event.to_json()) for event in events]
    file.with_name(f"{file.name}.events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def seen(file: Path) -> Batch:
    batch = look(file)
    assert batch
    return batch


def test_a_killed_job_has_failed_and_its_rows_are_kept(file: Path) -> None:
    batch = seen(file)
    assert (batch.status, batch.progress) == ("failed", Progress("predict", 50, 100, 5.0, 10.0))
    assert "before all images were classified" in batch.problem
    summary = summarise(batch).get("")
    assert summary
    assert summary.counts.to_dict() == {"cat": 39, "error": 10}
    assert (summary.n_unreadable, summary.folder) == (1, "/d")
    assert summary.head.iloc[1].tolist() == ["1.png", "cat", 0.7, ""]
    assert summary.columns == ("item", "label", "cat", "error", "error")


def test_the_last_words_of_a_job_are_its_problem(file: Path) -> None:
    file.with_name(f"{file.name}.log").write_text("Error: there is no model\n", encoding="utf-8")
    assert seen(file).problem == "there is no model"


def test_a_job_at_work_is_running_and_one_that_was_stopped_has_not_failed(file: Path, sleeper: psutil.Process) -> None:
    made_runs.write_job(file, pid=sleeper.pid, created=sleeper.create_time())
    assert seen(file).status == "running"
    jobs.stop(file)
    sleeper.wait(timeout=10)
    assert (seen(file).status, seen(file).problem) == ("stopped", "")


def test_a_table_is_complete_when_every_image_is_in_it(file: Path) -> None:
    tell(file, 0, 100)
    assert seen(file).status == "complete"


def test_a_row_and_an_event_that_are_still_being_written_are_ignored(file: Path) -> None:
    with file.open("a", encoding="utf-8") as table:
        table.write("/d/50.png,ca")
    with file.with_name(f"{file.name}.events.jsonl").open("a", encoding="utf-8") as events:
        events.write('{"time": 12')
    assert seen(file).progress.done == 50
    assert summarise(seen(file))


@pytest.mark.parametrize("content", ["", HEADER, "nonsense", "\0\0\0"])
def test_a_table_without_rows_has_no_summary(file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8")
    assert summarise(seen(file)) == {}


def test_a_real_folder_becomes_a_table(runs: Path, tmp_path: Path) -> None:
    made_runs.write_finished(runs / "good")
    workspace = Workspace(runs.parent)
    make_deployable(runs / "good")
    for number in range(3):
        write_image(tmp_path / "new ones" / f"{number}.png", shade=100 * number)
    (tmp_path / "new ones" / "torn.png").write_bytes(b"no")
    run = look_at_run(runs / "good")
    file = start_batch(workspace, run, tmp_path / "new ones", title="../new ones", options=[])
    assert file == workspace.root / "autotl-predictions" / "new-ones-by-good.csv"
    other = start_batch(workspace, run, tmp_path / "nowhere", title="../new ones", options=[])
    assert other.name == "new-ones-by-good-2.csv"
    deadline = time.monotonic() + 60
    while any(seen(one).status == "running" for one in (file, other)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert (seen(file).status, seen(file).progress.done, seen(file).progress.total) == ("complete", 4, 4), (
        jobs.last_words(file)
    )
    summary = summarise(seen(file)).get("")
    assert summary
    assert summary.counts.to_dict() == {made_runs.CLASSES[0]: 2, made_runs.CLASSES[2]: 1}
    assert summary.n_unreadable == 1
    assert {batch.file for batch in list_batches(workspace)} == {file, other}


def make_deployable(run: Path) -> None:
    """What the command line wants of a deployable besides its model."""
    for name in ("MLmodel", "predictor.py"):
        (run / "champion" / name).write_text("", encoding="utf-8")
    metadata = json.loads((run / "champion" / "metadata.json").read_text(encoding="utf-8"))
    metadata |= {"format": 1}
    (run / "champion" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
