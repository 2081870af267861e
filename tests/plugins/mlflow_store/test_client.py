"""Clients of one store: in several processes at once, and on a disk that is full."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from autotl.runtime.addresses import sqlite_address, sqlite_file
from autotl_plugins.mlflow_store import client

INITIALISE = """
import sys, pathlib
from autotl.interfaces import ModelStore
from autotl_plugins.mlflow_store.address import resolve_address
from autotl_plugins.mlflow_store.client import connect
from autotl_plugins.mlflow_store.logged_models import open_experiment
store = ModelStore(None, (pathlib.Path(sys.argv[1]),))
client = connect(resolve_address(store))
experiment = open_experiment(client, store)
print(client.create_run(experiment).info.experiment_id)
"""


@pytest.mark.heavy
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


def test_a_store_that_could_not_be_finished_is_not_left_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "mlflow.db"

    def fails(store: MlflowClient) -> None:
        half_made = sqlite_file(store.tracking_uri)
        assert half_made
        half_made.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(client, "_make_tables", fails)
    with pytest.raises(OSError, match="No space left"):
        client.connect(sqlite_address(database))
    assert [file.name for file in tmp_path.iterdir()] == ["mlflow.db.lock"]
