"""The MLflow watcher: everything is recorded, nothing is slowed, and a store that is away is reported once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tracked_runs import FakeRun, a_trial, children, client_of, study, wait_until

from autotl.errors import ConfigError
from autotl.interfaces import UNDEFINED, ModelStore
from autotl.trial import EnsembleMember
from autotl_plugins.registries import mlflow as registry
from autotl_plugins.trackers import mlflow as tracker

pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.mark.usefixtures("nothing_reported")
def test_a_study_becomes_a_run_with_a_child_per_trial(
    make_run: Callable[..., FakeRun], store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_run("first")
    failed = a_trial(1, state="failed", score=UNDEFINED, reason="out of memory")
    started = time.time()
    note = study(run, a_trial(0, started=started, seconds=2.2), failed, pause_seconds=2.3)

    assert note["tracking_uri"] == f"sqlite:///{store / 'mlflow.db'}"
    assert not list(tmp_path.iterdir()), "nothing is left in the current directory"
    parent = client_of(note).get_run(note["run_id"])
    assert (parent.info.run_name, parent.info.status) == ("first", "FINISHED")
    assert parent.data.params["objective"] == "balanced_accuracy"
    assert parent.data.tags["fingerprint"] == "f00d"
    assert parent.data.metrics["test/balanced_accuracy"] == 0.9
    assert parent.data.metrics["test/balanced_accuracy_low"] == 0.8
    assert parent.data.metrics["default/balanced_accuracy_high"] == 0.95
    assert parent.data.metrics["search/balanced_accuracy"] == 0.9
    assert (store / "mlartifacts" / note["run_id"] / "artifacts" / "report.html").read_text() == "report.html"
    names = {artifact.path for artifact in client_of(note).list_artifacts(note["run_id"])}
    assert names == {"report.html", "leaderboard.csv", "run.json", "model_card.md"}

    good, bad = children(note)
    assert good.data.params["svm/C"] == "0.5"
    assert good.data.params["head"] == "svm"
    assert good.data.metrics["balanced_accuracy"] == 0.8
    assert good.data.metrics["balanced_accuracy_high"] == 0.9
    assert good.data.metrics["seconds"] == 2.2
    assert good.data.metrics["system/process_memory_megabytes"] > 50
    assert 0 <= good.data.metrics["system/cpu_utilization_percentage"] <= 100
    assert good.data.tags["device"] == "CPU: something"
    assert good.info.start_time == round(started * 1000)
    assert (bad.info.status, bad.data.tags["state"], bad.data.tags["reason"]) == (
        "FAILED",
        "failed",
        "out of memory",
    )


@pytest.mark.usefixtures("nothing_reported")
def test_an_ensembles_members_are_recorded_within_what_a_parameter_may_hold(make_run: Callable[..., FakeRun]) -> None:
    members = tuple(EnsembleMember(0.2, a_trial(n, params={"head/x": "y" * 2000})) for n in range(1, 6))
    trial = a_trial(9, strategy="ensemble", params={}, members=members)
    note = study(make_run("mixed"), trial)
    [child] = [c for c in children(note) if c.data.tags["trial"] == "9"]
    assert child.data.params["strategy"] == "ensemble"
    assert 0 < len(child.data.params["members"]) <= 6000


@pytest.mark.usefixtures("nothing_reported")
def test_a_killed_study_is_carried_on_in_the_same_run(make_run: Callable[..., FakeRun]) -> None:
    run = make_run("killed")
    tracker.on_search_begin(run)
    tracker.on_trial_end(run, a_trial(0))
    recorder = tracker._recorders.pop(run.folder)  # as after a kill: nobody ends it
    recorder.sampler.stop()
    wait_until(lambda: 0 in recorder.study.children and recorder._queue.empty())
    before = json.loads((run.folder / "tracking.json").read_text())
    wait_until(lambda: children(before)[0].info.status == "FINISHED")
    assert client_of(before).get_run(before["run_id"]).info.status == "RUNNING"

    note = study(run, a_trial(0), a_trial(1))
    assert note["run_id"] == before["run_id"]
    assert [child.data.tags["trial"] for child in children(note)] == ["0", "1"]
    assert client_of(note).get_run(note["run_id"]).info.status == "FINISHED"


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "autotl.mlflow"]


def test_an_unreachable_server_is_reported_once_and_costs_next_to_nothing(
    make_run: Callable[..., FakeRun], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    run = make_run("away", folder=tmp_path, tracking_uri="http://joe:secret@127.0.0.1:9")
    started = time.monotonic()
    tracker.on_search_begin(run)
    for number in range(5):
        tracker.on_trial_end(run, a_trial(number))
    assert time.monotonic() - started < 0.5, "the hooks do not wait for the server"
    tracker.on_search_end(run)
    assert time.monotonic() - started < 10
    (message,) = warnings_of(caplog)
    assert message == (
        "MLflow at http://***@127.0.0.1:9 cannot be used; the search goes on without it "
        "([Errno 111] Connection refused)"
    )
    note = json.loads((run.folder / "tracking.json").read_text())
    assert (note["run_id"], note["tracking_uri"]) == (None, "http://***@127.0.0.1:9")  # which goes into --json


def test_a_store_that_goes_away_and_comes_back_loses_nothing(
    make_run: Callable[..., FakeRun], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    run = make_run("flaky")
    away = threading.Event()
    log_batch = MlflowClient.log_batch

    def unsteady(self: MlflowClient, *arguments: Any, **more: Any) -> Any:
        if away.is_set():
            raise MlflowException("API request failed with exception Connection refused")
        return log_batch(self, *arguments, **more)

    monkeypatch.setattr(MlflowClient, "log_batch", unsteady)
    tracker.on_search_begin(run)
    recorder = tracker._recorders[run.folder]
    tracker.on_trial_end(run, a_trial(0))
    wait_until(lambda: 0 in recorder.study.children and recorder._queue.empty())
    away.set()
    for number in range(1, 3):
        tracker.on_trial_end(run, a_trial(number))
    wait_until(lambda: recorder._down)
    away.clear()
    tracker.on_search_end(run)
    assert len(warnings_of(caplog)) == 1
    note = json.loads((run.folder / "tracking.json").read_text())
    assert [child.data.params["svm/C"] for child in children(note)] == ["0.5"] * 3
    assert note["model_uri"]


@pytest.mark.slow
def test_a_server_that_dies_in_mid_search_is_reported_once_and_prints_nothing(
    make_run: Callable[..., FakeRun],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow calls uvicorn by name
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    options = ["--backend-store-uri", f"sqlite:///{tmp_path}/s.db", "--artifacts-destination", str(tmp_path / "a")]
    server = subprocess.Popen(
        [*command, *options],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: answers(uri), 60)
        whole = study(make_run("whole", folder=tmp_path, tracking_uri=uri), a_trial(0))
        served = ModelStore(uri, (tmp_path,))
        assert registry.register(served, tmp_path / "whole" / "champion", "pets").version == 1
        assert (registry.fetch(served, "models:/pets@champion") / "model.onnx").exists()
        assert client_of(whole).get_model_version("pets", "1").run_id == whole["run_id"]
        run = make_run("half", folder=tmp_path, tracking_uri=uri)
        tracker.on_search_begin(run)
        tracker.on_trial_end(run, a_trial(0))
        recorder = tracker._recorders[run.folder]
        wait_until(lambda: 0 in recorder.study.children)
        assert warnings_of(caplog) == []
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(20)
    for number in range(1, 4):
        tracker.on_trial_end(run, a_trial(number))
    started = time.monotonic()
    tracker.on_search_end(run)
    assert time.monotonic() - started < 10
    assert len(warnings_of(caplog)) == 1
    note = json.loads((run.folder / "tracking.json").read_text())
    assert note["run_id"]
    assert note["model_uri"] is None
    assert capfd.readouterr().out == ""


def answers(uri: str) -> bool:
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=1):
            return True
    except OSError:
        return False


def test_a_refused_record_does_not_take_the_others_down(
    make_run: Callable[..., FakeRun], caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run("refused")
    changed = a_trial(0, head="knn")  # MLflow lets no parameter change
    note = study(run, a_trial(0), changed, a_trial(1))
    (message,) = warnings_of(caplog)
    assert message.startswith("MLflow refused param 'head', which is left out: Changing param values")
    assert len(children(note)) == 2
    assert note["model_uri"]


def test_importing_the_plugin_imports_no_tracker() -> None:
    code = "import sys, autotl_plugins.trackers.mlflow; assert not {'mlflow', 'psutil', 'onnx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_run_whose_server_was_away_is_recorded_from_beginning_to_end(
    make_run: Callable[..., FakeRun], store: Path
) -> None:
    run = make_run("late", tracking_uri="http://127.0.0.1:9")
    lost = study(run, a_trial(0), a_trial(1))
    assert (lost["run_id"], lost["problem"]) == (None, "[Errno 111] Connection refused")
    with pytest.raises(ConfigError, match=r"http://127.0.0.1:9 cannot be used"):
        tracker.record_run(run, [a_trial(0)])

    run.config.tracking_uri = None  # as by `autotl register --tracking-uri`
    for _ in range(2):  # once it is there, it is not recorded again
        tracker.record_run(run, [a_trial(0), a_trial(1)])
    note = json.loads((run.folder / "tracking.json").read_text())
    assert note["problem"] is None
    assert [child.data.params["head"] for child in children(note)] == ["svm", "svm"]
    found = client_of(note)
    assert found.get_run(note["run_id"]).data.metrics["test/balanced_accuracy"] == 0.9
    assert {artifact.path for artifact in found.list_artifacts(note["run_id"])} >= {"report.html", "run.json"}
    assert registry.register(ModelStore(None, (store,)), run.folder / "champion", "late").version == 1
    assert len([run for run in found.search_runs([note["experiment_id"]]) if run.info.run_name == "late"]) == 1


@pytest.mark.parametrize("name", ["My%20Data", "a?b#c", "grün ☃", "it's {x}"])
def test_a_study_is_recorded_and_registered_whatever_its_folder_is_called(
    make_run: Callable[..., FakeRun], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    run = make_run("any", folder=folder)
    note = study(run, a_trial(0, scores={"recall/day//night": 0.5, "recall/day/_/night": 0.6}))
    store = ModelStore(None, (folder,))
    assert registry.register(store, run.folder / "champion", "pets").version == 1
    assert (registry.fetch(store, "models:/pets@champion") / "model.onnx").exists()
    (child,) = children(note)
    assert child.data.metrics["recall/day/_/night_2"] == 0.5
    assert {artifact.path for artifact in client_of(note).list_artifacts(note["run_id"])} >= {"report.html"}
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing is left elsewhere"
