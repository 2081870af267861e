"""Deployables as logged models of an MLflow store's experiment."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.interfaces import ModelStore
from autotl.runtime.addresses import sqlite_file
from autotl_plugins.mlflow_store.address import resolve_address

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

EXPERIMENT = "autotl"


def open_experiment(client: MlflowClient, store: ModelStore) -> str:
    """The id of the experiment that holds everything; it is created, or restored, where need be."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        if found.lifecycle_stage != "active":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    # A server knows where artifacts go; MLflow's default for a database is the current directory.
    uri = resolve_address(store)
    database = sqlite_file(uri)
    artifacts = ((database.parent if database else store.beside[0]) / "mlartifacts").absolute().as_uri()
    try:
        return str(client.create_experiment(EXPERIMENT, None if uri.startswith("http") else artifacts))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(client.get_experiment_by_name(EXPERIMENT).experiment_id)


def log_model(
    client: MlflowClient,
    experiment: str,
    run_id: str,
    folder: Path,
    *,
    params: Mapping[str, str],
    tags: Mapping[str, str],
) -> LoggedModel:
    """Upload a deployable as it is, except that its MLmodel is given the ids it has here."""
    from mlflow.entities import LoggedModelOutput

    facts = {**tags, "model_uuid": read_model_uuid(folder)}
    model = client.create_logged_model(experiment, "champion", run_id, tags=facts, params=dict(params))
    client.log_model_artifacts(model.model_id, str(folder))
    with tempfile.TemporaryDirectory() as temporary:
        text = (folder / "MLmodel").read_text(encoding="utf-8")
        ids = f"model_id: {model.model_id}\nrun_id: {run_id}\nartifact_path: {json.dumps(model.artifact_location)}"
        (Path(temporary) / "MLmodel").write_text(text.replace("model_id: null", ids, 1), encoding="utf-8")
        client.log_model_artifact(model.model_id, str(Path(temporary) / "MLmodel"))
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return client.finalize_logged_model(model.model_id, "READY")


def read_model_uuid(folder: Path) -> str:
    """The id that a deployable had when it was written; empty where it has none."""
    found = re.search(r"^model_uuid: (\w+)$", (folder / "MLmodel").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""
