"""Every snippet of the models page is run as it stands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from small_models import write_small_model

from autotl.interfaces import ModelStore
from autotl_plugins.registries import mlflow as registry
from autotl_ui.models.exportable_models import ExportableModel
from autotl_ui.models.snippets import Snippet, snippets

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a registered model, at a place that has to be quoted."""
    runs = tmp_path_factory.mktemp('it\'s a "workspace"') / "autotl-runs"
    registry.register(ModelStore(None, (runs,)), write_small_model(runs / "r" / "champion"), "my pets")
    return runs


@pytest.fixture(scope="module")
def model(store: Path) -> ExportableModel:
    return ExportableModel("k", "my pets", store / "r" / "champion", "models:/my pets@champion")


def run(piece: Snippet, tmp_path: Path) -> str:
    """What a snippet prints, in a folder and an environment that know nothing of AutoTL."""
    command = [sys.executable, "-c", piece.code] if piece.language == "python" else ["bash", "-c", piece.code]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}


def by_title(model: ExportableModel, store: Path, port: int = 5055) -> dict[str, Snippet]:
    return {piece.title: piece for piece in snippets(model, store=f"sqlite:///{store / 'mlflow.db'}", port=port)}


def test_the_models_own_file_needs_nothing_but_its_folder(model: ExportableModel, store: Path, tmp_path: Path) -> None:
    pieces = by_title(model, store)
    assert "cat" in run(pieces["Python, without MLflow"], tmp_path)
    [found] = json.loads(run(pieces["Terminal, without MLflow"], tmp_path))
    assert set(found["probabilities"]) == {"cat", "dog"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("title", ["Python, with MLflow, by folder", "Python, with MLflow, by address"])
def test_mlflow_loads_it_by_folder_and_by_address(
    model: ExportableModel, store: Path, tmp_path: Path, title: str
) -> None:
    printed = run(by_title(model, store)[title], tmp_path)
    assert printed.split()[:3] == ["label", "cat", "dog"]


def test_what_is_not_registered_has_no_address_to_load_it_by(model: ExportableModel, store: Path) -> None:
    unregistered = ExportableModel(model.key, model.title, model.folder)
    assert "Python, with MLflow, by address" not in by_title(unregistered, store)


def test_mlflow_serves_it_and_curl_gets_an_answer(
    model: ExportableModel, store: Path, tmp_path: Path, free_port: int
) -> None:
    pieces = by_title(model, store, free_port)
    command = ["bash", "-c", pieces["Serve it over HTTP"].code]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment(), stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 90
        while not answers(free_port) and time.monotonic() < deadline:
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.2)
        [row] = json.loads(run(pieces["Ask the server (curl)"], tmp_path))["predictions"]
        assert set(row) == {"label", "cat", "dog"}
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=20)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1) as response:
            return response.status == 200
    except OSError:
        return False
