"""The MLflow registry in a real SQLite store: how models get in, and how they are loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from registered_models import METADATA, at, register
from small_models import write_small_model
from tracked_runs import FakeRun, client_of, study

from autotl.errors import AutoTLError, ConfigError, RunError
from autotl.interfaces import AliasChange, ModelStore
from autotl.testing import check_plugin
from autotl_plugins.registries import mlflow as registry

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_the_registry_conforms() -> None:
    check_plugin(registry)


@pytest.mark.usefixtures("nothing_reported")
def test_the_deployable_becomes_a_model_that_loads_from_the_registry(make_run: Callable[..., FakeRun]) -> None:
    run = make_run("registered")
    started = time.monotonic()
    note = study(run)
    registry.register(at(run.folder.parent), run.folder / "champion", "animals")
    assert time.monotonic() - started < 30
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
    first, second = make_run("one"), make_run("two", seed=1)
    for run in (first, second):
        note = study(run)
        registry.register(at(store), run.folder / "champion", "things")
    aliases = client_of(note).get_registered_model("things").aliases
    assert {name: int(version) for name, version in aliases.items()} == {"champion": 2, "previous": 1}
    for address in ("models:/things@champion", "models:/things/2", note["model_uri"]):
        fetched = registry.fetch(at(store), address)
        assert (fetched / "model.onnx").read_bytes() == (second.folder / "champion" / "model.onnx").read_bytes()
    assert registry.fetch(ModelStore(note["tracking_uri"], (Path("nowhere"),)), "models:/things@previous") != fetched


def test_a_model_that_is_not_there_is_an_error_that_names_store_and_model(store: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no MLflow store at"):
        registry.fetch(at(tmp_path), "models:/nobody@champion")
    assert not list(tmp_path.iterdir())
    with pytest.raises(RunError, match=r"models:/nobody@champion is not available from the MLflow store sqlite"):
        registry.fetch(at(store), "models:/nobody@champion")
    with pytest.raises(RunError, match="not a model's address"):
        registry.fetch(at(store), "models:/")


@pytest.mark.usefixtures("nothing_reported")
def test_a_run_can_be_registered_later_without_a_second_copy(make_run: Callable[..., FakeRun], store: Path) -> None:
    run = make_run("later")
    note = study(run)
    assert note["registered"] is None
    answer = registry.register(at(store), run.folder / "champion", "late")
    assert answer == AliasChange("late", "champion", 1, None)
    model = client_of(note).get_logged_model(note["model_uri"].removeprefix("models:/"))
    assert client_of(note).get_model_version("late", "1").source == model.artifact_location
    assert json.loads((run.folder / "tracking.json").read_text())["registered"] == {
        "name": "late",
        "version": 1,
        "alias": "champion",
    }

    write_small_model(run.folder / "champion", seed=5)
    assert registry.register(at(store), run.folder / "champion", "late").version == 2
    fetched = registry.fetch(at(store), "models:/late@champion")
    assert (fetched / "model.onnx").read_bytes() == (run.folder / "champion" / "model.onnx").read_bytes()


def test_a_deployable_from_elsewhere_can_be_registered(store: Path, tmp_path: Path) -> None:
    write_small_model(tmp_path / "mine", seed=3)
    answer = registry.register(at(store), tmp_path / "mine", "foreign")
    assert answer.version == 1
    with pytest.raises(ConfigError, match="was not registered as"):
        registry.register(at(store), tmp_path / "mine", "a/b")


def test_no_message_shows_the_password_in_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_small_model(tmp_path / "r" / "champion", metadata=METADATA)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://joe:s3@ret@127.0.0.1:9")
    assert registry.store_address(at(tmp_path)) == "http://***@127.0.0.1:9"
    for ask in (
        lambda: registry.list_models(at(tmp_path)),
        lambda: registry.promote(at(tmp_path), "pets", 1, None),
        lambda: registry.fetch(at(tmp_path), "models:/pets@champion"),
        lambda: registry.register(at(tmp_path), folder, "pets"),
    ):
        with pytest.raises(AutoTLError, match=r"http://\*\*\*@127\.0\.0\.1:9") as refused:
            ask()
        assert "joe" not in str(refused.value)
        assert "ret@" not in str(refused.value)


def test_a_store_that_was_named_holds_the_registry_too_whatever_the_environment_says(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(store, "here", tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    named = f"sqlite:///{store / 'mlflow.db'}"
    found = registry.list_models(ModelStore(named, (tmp_path,)))
    assert "here" in [model.name for model in found]


@pytest.mark.heavy
def test_the_command_line_lists_promotes_and_rolls_back(store: Path, tmp_path: Path) -> None:
    for seed in range(2):
        register(store, "by hand", tmp_path, seed=seed)

    def autotl(*arguments: str) -> str:
        command = [sys.executable, "-m", "autotl.cli", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
        done = subprocess.run(command, capture_output=True, text=True, cwd=store, timeout=120, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert autotl("promote", "by hand", "1") == ("models:/by hand@champion is version 1; before, it was version 2\n")
    assert json.loads(autotl("promote", "by hand", "--back", "--json"))["version"] == 2
    [model] = [model for model in json.loads(autotl("models", "--json")) if model["name"] == "by hand"]
    assert [version["aliases"] for version in model["versions"]] == [["champion"], ["previous"]]
    assert model["versions"][0]["evidence"]["test"] == {"value": 0.9, "low": 0.8, "high": 0.95}
