"""Every page with every kind of run, and the server that serves them."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import made_runs
import psutil
import pytest
from app_pages import PAGES, open_page, words
from PIL import Image

from autotl_ui.jobs import jobs
from autotl_ui.server.access import current
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.runs import look
from autotl_ui.workspace.workspace import Workspace

LAUNCH = "import sys; from autotl_ui.launch import main; main(int(sys.argv[1]))"


def test_every_page_of_an_empty_workspace_says_what_to_do(runs: Path) -> None:
    assert "add some first" in words(open_page("train"))
    assert "Train a model first" in words(open_page("results"))
    assert "Train a model first" in words(open_page("try"))


@pytest.mark.parametrize("title", PAGES)
def test_every_page_bears_every_kind_of_run(title: str, runs: Path, sleeper: psutil.Process) -> None:
    made_runs.write_finished(runs / "good")
    made_runs.write_finished(runs / "early", status="interrupted")
    made_runs.write_damaged(runs / "torn")
    made_runs.write_failed(runs / "bad", "photos has 1 class folder")
    made_runs.write_running(runs / "busy")
    made_runs.write_job(runs / "busy", pid=sleeper.pid, created=sleeper.create_time())
    (runs / "not-a-run").mkdir()
    found = {run.name: run.status for run in Workspace(runs.parent).list_runs()}
    assert found == {
        "good": "complete", "early": "interrupted", "torn": "damaged", "bad": "failed", "busy": "running",
    }  # fmt: skip
    for name in found:
        open_page(title, run=name)


def test_a_finished_run_shows_champion_scores_with_intervals_verdicts_and_model(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    app = open_page("results", run="good")
    text = words(app)
    assert "svm on efficientnet-lite0" in text
    assert "0.750 to 0.900" in text
    assert "0.800 to 0.950" in text
    assert "The untuned default would do as well: the tuned probe is not better beyond chance." in text
    assert str(runs / "good" / "champion") in text
    assert [metric.value for metric in app.metric] == ["0.850", "0.900", "0.800"]
    [link] = [one for one in app.get("bidi_component") if one.proto.component_name == "autotl_download"]
    assert '"name": "good.zip"' in link.proto.json
    app.session_state["section"] = "Report"
    assert len(app.run().get("download_button")) == 1


def test_a_running_run_shows_its_stage_and_stops_on_demand(runs: Path, sleeper: psutil.Process) -> None:
    made_runs.write_running(runs / "busy")
    made_runs.write_job(runs / "busy", pid=sleeper.pid, created=sleeper.create_time())
    app = open_page("results", run="busy")
    assert "Computing features: 64 of 90 images" in words(app)
    assert "left" in app.get("progress")[0].proto.text
    with (runs / "busy" / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('\n{"event": "progress", "stage": "fine-tuning", "done": 2, "total": 6}\n')
    assert "Fine-tuning: epoch 2 of 6." in words(app.run())
    app.button(key="stop").click().run()
    assert not app.exception
    sleeper.wait(timeout=10)
    app.run()
    assert not app.exception
    assert "stopped before there was a model" in words(app)


def test_a_run_whose_process_was_killed_is_shown_as_failed_with_the_way_on(runs: Path) -> None:
    made_runs.write_running(runs / "killed")
    (runs / "killed" / "dataset.parquet").touch()
    made_runs.write_job(runs / "killed", pid=2**22 + 1, created=0.0)
    text = words(open_page("results", run="killed"))
    assert "Its process ended before the search was done." in text
    assert f'autotl resume "{runs / "killed"}"' in text


def test_a_failed_run_shows_the_message_and_no_traceback(runs: Path) -> None:
    made_runs.write_failed(runs / "bad", "photos has 1 class folder; put *one* sub-folder per class")
    app = open_page("results", run="bad")
    assert app.error[0].value == "photos has 1 class folder; put \\*one\\* sub-folder per class"


@pytest.mark.parametrize(
    "broken", [[], {"status": "complete"}, {"status": "complete", "result": {"champion": 3}}, {"result": 7}]
)
def test_whatever_run_json_holds_the_run_counts_as_damaged(broken: object, runs: Path) -> None:
    (runs / "odd").mkdir(parents=True)
    (runs / "odd" / "run.json").write_text(json.dumps(broken), encoding="utf-8")
    assert look(runs / "odd").status == "damaged"
    assert "damaged" in words(open_page("results", run="odd"))


def test_a_process_with_the_number_of_a_dead_job_is_not_taken_for_it(runs: Path, sleeper: psutil.Process) -> None:
    made_runs.write_job(runs / "old", pid=sleeper.pid, created=sleeper.create_time() - 100)
    jobs.stop(runs / "old")
    assert look(runs / "old").status == "failed"
    assert sleeper.is_running()


def test_a_started_job_is_a_process_of_its_own_whose_last_words_are_kept(runs: Path) -> None:
    nothing = runs.parent / "nothing"
    job = jobs.start(
        runs / "r", ["fit", str(nothing), "--run", str(runs / "r"), "--budget", "60s"], owner=current().job_owner
    )
    assert os.getsid(job.pid) == job.pid
    deadline = time.monotonic() + 40
    while job.alive and time.monotonic() < deadline:
        time.sleep(0.1)
    assert look(runs / "r").status == "failed"
    assert str(nothing) in look(runs / "r").problem


def test_images_get_a_label_and_unreadable_files_a_reason(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    app = open_page("try", run="good")
    assert ", ".join(made_runs.CLASSES) in words(app)
    image = io.BytesIO()
    Image.new("RGB", (30, 20), "white").save(image, "PNG")
    app.file_uploader(key="images").set_value(
        [("white.png", image.getvalue(), "image/png"), ("no.png", b"no", "image/png")]
    ).run()
    assert not app.exception
    assert any(f"**{plain(made_runs.CLASSES[-1])}**" in element.value for element in app.markdown)
    assert "no.png cannot be read as an image" in app.warning[0].value


def test_a_model_that_is_gone_is_explained(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    (runs / "good" / "champion" / "model.onnx").write_bytes(b"")
    assert "cannot be opened" in words(open_page("try", run="good"))


def test_the_server_answers_from_another_folder_and_refuses_foreign_hosts(tmp_path: Path, free_port: int) -> None:
    port = free_port
    with launched(tmp_path, f"main({port})") as printed:
        assert next(printed) == f"AutoTL: http://127.0.0.1:{port}\n"
        assert next(printed).split() == ["Folder:", str(tmp_path)]
        assert answer(port, "127.0.0.1") == 200
        assert ask(port, "localhost") == 200
        assert ask(port, "evil.example") == 400
        assert ask(port, "evil.example", "/") == 400
        second = subprocess.run([sys.executable, "-c", LAUNCH, str(port)], capture_output=True, text=True, timeout=40)
        assert "is already in use" in second.stderr


@pytest.mark.parametrize(("host", "named"), [("127.0.0.2", "127.0.0.2"), ("::1", "[::1]")])
def test_the_server_answers_at_the_address_that_it_prints(
    host: str, named: str, tmp_path: Path, free_port: int
) -> None:
    if not can_bind(host):
        pytest.skip(f"this machine has no address {host}")
    with launched(tmp_path, f"main({free_port}, host={host!r})") as printed:
        assert next(printed) == f"AutoTL: http://{named}:{free_port}\n"
        assert answer(free_port, named, at=host) == 200
        assert ask(free_port, "evil.example", at=host) == 400


@contextmanager
def launched(folder: Path, call: str) -> Iterator[Iterator[str]]:
    """A server, and the lines that it prints."""
    command = [sys.executable, "-c", f"from autotl_ui.launch import main; {call}"]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield iter(server.stdout)
    finally:
        server.terminate()
        server.communicate(timeout=20)


def answer(port: int, name: str, *, at: str = "127.0.0.1") -> int | None:
    """What the server says as soon as it says anything."""
    deadline = time.monotonic() + 40
    while (status := ask(port, name, at=at)) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return status


def can_bind(host: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def ask(port: int, host: str, path: str = "/_stcore/health", *, at: str = "127.0.0.1") -> int | None:
    connection = http.client.HTTPConnection(at, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def test_the_app_imports_neither_tensorflow_nor_keras(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    code = """
import importlib, pkgutil, sys
import autotl_ui
from app_pages import PAGES, open_page
for module in pkgutil.walk_packages(autotl_ui.__path__, "autotl_ui."):
    if not module.name.endswith((".page", "autotl_ui.app", "autotl_ui.jobs.waiting")):
        importlib.import_module(module.name)
for page in PAGES:
    open_page(page, run="good")
print(len(sys.modules) > 1000, {"keras", "tensorflow", "torch", "jax"} & {*sys.modules})
"""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.stdout == "True set()\n", done.stderr


def test_the_chart_of_many_trials_holds_the_champion_the_default_and_the_majority_class() -> None:
    import pandas as pd

    from autotl_ui.widgets.charts import leaderboard_chart

    names = {30: "logistic on net (untuned default)", 39: "majority class"}
    board = pd.DataFrame(
        [
            {"trial": n, "name": names.get(n, "svm on net"), "state": "complete", "head": "svm"}
            | {"strategy": "majority" if n == 39 else "probe", "value": 0.5, "low": 0.4, "high": 0.6}
            for n in range(40)
        ]
    )
    [rows] = leaderboard_chart(board, "accuracy", champion=20).to_dict()["datasets"].values()
    titles = [row["title"] for row in rows]
    assert titles[:3] == ["trial 0: svm", "trial 1: svm", "trial 2: svm"]
    assert titles[12:] == ["trial 20: svm", "trial 30: svm (default)", "majority class"]


def test_the_chart_shows_an_ensemble_in_a_colour_of_its_own() -> None:
    import pandas as pd

    from autotl_ui.widgets.charts import leaderboard_chart

    rows = [(1, "ensemble"), (2, "probe"), (3, "fine-tune"), (4, "majority")]
    board = pd.DataFrame(
        [
            {"trial": n, "name": f"{kind} on net", "state": "complete", "strategy": kind, "head": kind}
            | {"value": 0.5, "low": 0.4, "high": 0.6}
            for n, kind in rows
        ]
    )
    scale = leaderboard_chart(board, "accuracy").to_dict()["layer"][0]["encoding"]["color"]["scale"]
    assert "ensemble" in scale["domain"]
    assert len(set(scale["range"])) == len(scale["range"]) == 4
