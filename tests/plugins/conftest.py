from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tracked_runs import FakeRun, new_run

from autotl_plugins.mlflow_store.client import ENVIRONMENT


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no store, and is as it was afterwards."""
    for name in (*ENVIRONMENT, "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")  # so that what the plugin sets is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for the module: to create a database takes seconds."""
    return tmp_path_factory.mktemp("runs with spaces")


@pytest.fixture
def make_run(store: Path) -> Callable[..., FakeRun]:
    def make_run(name: str, *, folder: Path | None = None, **options: Any) -> FakeRun:
        return new_run((folder or store) / name, **options)

    return make_run


@pytest.fixture
def nothing_reported(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.name == "autotl.mlflow"] == []
