"""The MLflow watcher: everything is recorded, nothing is slowed, and a store that is away is reported once."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import skimage.data
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from autotl.deploy.deployable import write_deployable
from autotl.errors import ConfigError, RunError
from autotl.interfaces import TrialRecord
from autotl_plugins.trackers import mlflow as tracker


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*tracker._MANNERS, "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")  # so that what the watcher sets is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")


@dataclass
class FakeRun:
    """What the watcher uses of a run."""

    folder: Path
    config: SimpleNamespace
    fingerprint: str = "f00d"
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.name

    def document(self) -> dict[str, Any]:
        return self.result

    def state(self) -> dict[str, Any]:
        return {"status": "done"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for the module: to create a database takes seconds."""
    return tmp_path_factory.mktemp("runs with spaces")


@pytest.fixture
def make_run(store: Path) -> Callable[..., FakeRun]:
    def make_run(name: str, *, seed: int = 0, folder: Path | None = None, **options: Any) -> FakeRun:
        folder = (folder or store) / name
        folder.mkdir(parents=True)
        for evidence in ("report.html", "leaderboard.csv", "run.json"):
            (folder / evidence).write_text(evidence)
        write_champion(folder / "champion", seed)
        score = {"balanced_accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}, "recall/Öl & tar": None}
        scores = {name: value for name, value in score.items() if value} | {"bad": {"value": float("nan")}}
        result = {
            "seconds": 12.5,
            "champion": {"trial": 1, "strategy": "probe", "backbone": "lite0", "head": "svm", "params": {"C": 1.0}},
            "search": scores,
            "test": scores,
            "default": {"test": scores},
        }
        config = {
            "tracking_uri": None,
            "register": None,
            "seed": 0,
            "budget_seconds": 600.0,
            "trials": None,
            "objective": "balanced_accuracy",
            "strategy": "auto",
            "data": Path("photos"),
            "workers": 1,
        }
        return FakeRun(folder, SimpleNamespace(**{**config, **options}), result=result)

    return make_run


def write_champion(folder: Path, seed: int) -> None:
    weights = np.random.default_rng(seed).normal(0, 0.02, (3, 2)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 16, 16, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    photo = io.BytesIO()
    Image.fromarray(skimage.data.coffee()).save(photo, "JPEG")
    write_deployable(
        model,
        folder,
        classes=("cat", "dog"),
        size=(16, 16),
        replay=[("coffee.jpg", photo.getvalue())],
        expected=None,
        metadata={"fingerprint": "f00d"},
        card="# Card",
    )


def a_trial(number: int, **changes: Any) -> TrialRecord:
    fields = {
        "number": number,
        "state": "complete",
        "strategy": "probe",
        "backbone": "lite0",
        "size": "224x224",
        "head": "svm",
        "params": {"svm/C": 0.5, "odd & name": "x" * 9000},
        "value": 0.8,
        "low": 0.7,
        "high": 0.9,
        "started": time.time() - 2,
        "seconds": 2.0,
        "device": "CPU: something",
    }
    return TrialRecord(**{**fields, **changes})


def study(run: FakeRun, *trials: TrialRecord, pause_seconds: float = 0) -> dict[str, Any]:
    tracker.on_search_begin(run)
    time.sleep(pause_seconds)
    for trial in trials:
        tracker.on_trial_end(run, trial)
    tracker.on_search_end(run)
    return json.loads((run.folder / "tracking.json").read_text())


def client_of(note: dict[str, Any]) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=note["tracking_uri"])


def children(note: dict[str, Any]) -> list[Any]:
    condition = f"tags.`mlflow.parentRunId` = '{note['run_id']}'"
    found = client_of(note).search_runs([note["experiment_id"]], condition)
    return sorted(found, key=lambda run: int(run.data.tags["trial"]))


@pytest.fixture
def nothing_reported(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.name == "autotl.mlflow"] == []


@pytest.mark.usefixtures("nothing_reported")
def test_a_study_becomes_a_run_with_a_child_per_trial(
    make_run: Callable[..., FakeRun], store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_run("first")
    failed = a_trial(1, state="failed", value=None, low=None, high=None, reason="out of memory")
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
    members = [{"weight": 0.2, "trial": asdict(a_trial(n, params={"head/x": "y" * 2000}))} for n in range(1, 6)]
    trial = a_trial(9, strategy="ensemble", params={"members": members})
    note = study(make_run("mixed"), trial)
    [child] = [c for c in children(note) if c.data.tags["trial"] == "9"]
    assert child.data.params["strategy"] == "ensemble"
    assert 0 < len(child.data.params["members"]) <= 6000


@pytest.mark.usefixtures("nothing_reported")
def test_the_deployable_becomes_a_model_that_loads_from_the_registry(make_run: Callable[..., FakeRun]) -> None:
    run = make_run("registered", register="animals")
    started = time.monotonic()
    note = study(run)
    assert time.monotonic() - started < 15
    assert note["registered"] == {"name": "animals", "version": 1, "alias": "champion"}
    code = """
import json, sys, pathlib, mlflow
for name in ("autotl", "autotl_plugins", "tensorflow", "keras"): sys.modules[name] = None
mlflow.set_tracking_uri(sys.argv[1])
import pandas as pd
model = mlflow.pyfunc.load_model("models:/animals@champion")
replay = pathlib.Path(sys.argv[2])
(item,) = json.loads((replay / "expected.json").read_text())["items"]
answer = model.predict(pd.DataFrame({"image": [(replay / item["file"]).read_bytes()]}))
assert abs(answer[["cat", "dog"]].to_numpy()[0] - item["probabilities"]).max() <= 1e-4
assert model.metadata.signature is not None and model.input_example is not None
print(model.metadata.model_id, model.metadata.run_id)
"""
    replay = run.folder / "champion" / "replay"
    done = subprocess.run(
        [sys.executable, "-c", code, note["tracking_uri"], str(replay)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert f"models:/{done.stdout.split()[0]}" == note["model_uri"]
    assert done.stdout.split()[1] == note["run_id"]

    version = client_of(note).get_model_version("animals", "1")
    assert version.run_id == note["run_id"]
    facts = {"fingerprint": "f00d", "objective": "balanced_accuracy", "objective_value": "0.9"}
    assert {name: version.tags[name] for name in facts} == facts
    assert json.loads(version.tags["evidence"])["fingerprint"] == "f00d"
    outputs = client_of(note).get_run(note["run_id"]).outputs.model_outputs
    assert [f"models:/{output.model_id}" for output in outputs] == [note["model_uri"]]


@pytest.mark.usefixtures("nothing_reported")
def test_a_new_champion_takes_the_alias_and_the_former_one_stays_as_previous(
    make_run: Callable[..., FakeRun], store: Path
) -> None:
    study(make_run("one", register="things"))
    second = make_run("two", register="things", seed=1)
    note = study(second)
    aliases = client_of(note).get_registered_model("things").aliases
    assert {name: int(version) for name, version in aliases.items()} == {"champion": 2, "previous": 1}
    for address in ("models:/things@champion", "models:/things/2", note["model_uri"]):
        fetched = tracker.fetch_model(address, None, store)
        assert (fetched / "model.onnx").read_bytes() == (second.folder / "champion" / "model.onnx").read_bytes()
    assert tracker.fetch_model("models:/things@previous", note["tracking_uri"], Path("nowhere")) != fetched


def test_a_model_that_is_not_there_is_an_error_that_names_store_and_model(store: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no MLflow store at"):
        tracker.fetch_model("models:/nobody@champion", None, tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(RunError, match=r"models:/nobody@champion cannot be had from the MLflow store sqlite"):
        tracker.fetch_model("models:/nobody@champion", None, store)
    with pytest.raises(RunError, match="no model address"):
        tracker.fetch_model("models:/", None, store)


@pytest.mark.usefixtures("nothing_reported")
def test_a_run_can_be_registered_later_without_a_second_copy(make_run: Callable[..., FakeRun], store: Path) -> None:
    run = make_run("later")
    note = study(run)
    assert note["registered"] is None
    answer = tracker.register_deployable(run.folder / "champion", "late", None, store)
    assert answer == {"name": "late", "version": 1, "alias": "champion"}
    model = client_of(note).get_logged_model(note["model_uri"].removeprefix("models:/"))
    assert client_of(note).get_model_version("late", "1").source == model.artifact_location
    assert json.loads((run.folder / "tracking.json").read_text())["registered"] == answer

    write_champion(run.folder / "champion", seed=5)
    assert tracker.register_deployable(run.folder / "champion", "late", None, store)["version"] == 2
    fetched = tracker.fetch_model("models:/late@champion", None, store)
    assert (fetched / "model.onnx").read_bytes() == (run.folder / "champion" / "model.onnx").read_bytes()


def test_a_deployable_from_elsewhere_can_be_registered(store: Path, tmp_path: Path) -> None:
    write_champion(tmp_path / "mine", seed=3)
    answer = tracker.register_deployable(tmp_path / "mine", "foreign", None, store)
    assert answer["version"] == 1
    with pytest.raises(ConfigError, match="was not registered as"):
        tracker.register_deployable(tmp_path / "mine", "a/b", None, store)


@pytest.mark.usefixtures("nothing_reported")
def test_a_killed_study_is_carried_on_in_the_same_run(make_run: Callable[..., FakeRun]) -> None:
    run = make_run("killed")
    tracker.on_search_begin(run)
    tracker.on_trial_end(run, a_trial(0))
    recorder = tracker._recorders.pop(run.folder)  # as after a kill: nobody ends it
    recorder.sampler.stop()
    wait_until(lambda: 0 in recorder.children and recorder._queue.empty())
    before = json.loads((run.folder / "tracking.json").read_text())
    wait_until(lambda: children(before)[0].info.status == "FINISHED")
    assert client_of(before).get_run(before["run_id"]).info.status == "RUNNING"

    note = study(run, a_trial(0), a_trial(1))
    assert note["run_id"] == before["run_id"]
    assert [child.data.tags["trial"] for child in children(note)] == ["0", "1"]
    assert client_of(note).get_run(note["run_id"]).info.status == "FINISHED"


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
        "MLflow at http://127.0.0.1:9 cannot be used; the search goes on without it ([Errno 111] Connection refused)"
    )
    note = json.loads((run.folder / "tracking.json").read_text())
    assert (note["run_id"], note["tracking_uri"]) == (None, "http://127.0.0.1:9")  # which goes into --json


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
    wait_until(lambda: 0 in recorder.children and recorder._queue.empty())
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
        whole = study(make_run("whole", folder=tmp_path, tracking_uri=uri, register="pets"), a_trial(0))
        assert whole["registered"] == {"name": "pets", "version": 1, "alias": "champion"}
        assert (tracker.fetch_model("models:/pets@champion", uri, tmp_path) / "model.onnx").exists()
        run = make_run("half", folder=tmp_path, tracking_uri=uri)
        tracker.on_search_begin(run)
        tracker.on_trial_end(run, a_trial(0))
        recorder = tracker._recorders[run.folder]
        wait_until(lambda: 0 in recorder.children)
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
    run = make_run("refused", register="not/allowed")
    note = study(run, a_trial(0))
    (message,) = warnings_of(caplog)
    assert "refused a record" in message
    assert len(children(note)) == 1
    assert note["model_uri"]
    assert note["registered"] is None


INITIALISE = """
import sys, pathlib
from autotl_plugins.trackers import mlflow as tracker
folder = pathlib.Path(sys.argv[1])
uri = tracker._address(None, folder)
client = tracker._connect(uri)
experiment = tracker._experiment(client, uri, folder)
print(client.create_run(experiment).info.experiment_id)
"""


def test_two_processes_that_create_one_store_do_not_harm_it(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", INITIALISE, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ended = [(process, *process.communicate(timeout=120)) for process in started]
    for process, _, errors in ended:
        assert process.returncode == 0, errors
    assert len({output.strip() for _, output, _ in ended}) == 1


def test_the_sampler_tells_short_trials_and_long_ones_apart() -> None:
    sampler = tracker._Sampler(family=False)
    for second in range(10):
        values = {"process_memory_megabytes": 100.0 + second, "cpu_utilization_percentage": float(second)}
        sampler._samples.append((float(second), values))
    assert sampler.window(2.0, 4.0) == {
        "system/process_memory_megabytes": 106.0,
        "system/cpu_utilization_percentage": 4.0,
    }
    assert sampler.window(4.4, 0.1)["system/cpu_utilization_percentage"] == 4
    assert sampler.window(100.0, 1.0) == {}


def test_the_child_processes_memory_counts_where_trials_run_in_them() -> None:
    samplers = [tracker._Sampler(family=family) for family in (False, True)]
    code = "x = bytearray(200_000_000); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        for sampler in samplers:
            sampler.start()
        time.sleep(1.5)
        alone, family = (s.window(time.time() - 2, 2)["system/process_memory_megabytes"] for s in samplers)
        for sampler in samplers:
            sampler.stop()
        child.communicate(b"\n")
    assert family - alone > 150


def test_importing_the_plugin_imports_no_tracker() -> None:
    code = "import sys, autotl_plugins.trackers.mlflow; assert not {'mlflow', 'psutil', 'onnx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
