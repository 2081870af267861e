"""The MLflow model registry: champions under names that programs load them by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.deploy.versions import evidence_of, registry_summary
from autotl.errors import ConfigError, RunError, in_one_line
from autotl.hookspecs import hookimpl
from autotl.interfaces import CHAMPION, PREVIOUS, AliasChange, ModelStore, Registry
from autotl.runtime.addresses import hide_secrets, sqlite_file, without_secrets
from autotl.runtime.atomic_files import write_atomically
from autotl_plugins.mlflow_store.address import resolve_address, store_address
from autotl_plugins.mlflow_store.client import check_store, connect, first_line
from autotl_plugins.mlflow_store.logged_models import log_model, open_experiment, read_model_uuid
from autotl_plugins.registries._mlflow_aliases import promote, roll_back, set_alias, set_tag
from autotl_plugins.registries._mlflow_versions import EVIDENCE_TAG, list_models

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel


@hookimpl
def register_registries() -> Iterable[Registry]:
    """Offer MLflow's registry."""
    yield Registry(
        "mlflow",
        store_address=store_address,
        check_store=check_store,
        register=register,
        fetch=fetch,
        list_models=list_models,
        promote=promote,
        roll_back=roll_back,
        set_alias=set_alias,
        set_tag=set_tag,
    )


def register(store: ModelStore, deployable: Path, name: str) -> AliasChange:
    """Make a deployable the newest version of a name, and the champion. Raises ConfigError.

    Where the tracker has logged the deployable in this store, the version points to that model, without a second copy.
    """
    note_file = deployable.parent / "tracking.json"
    note = json.loads(note_file.read_text(encoding="utf-8")) if note_file.exists() else {}
    uri = resolve_address(store)
    try:
        client = connect(uri)
        metadata = json.loads((deployable / "metadata.json").read_text(encoding="utf-8"))
        facts = _facts(metadata)
        logged = None
        if note.get("tracking_uri") == hide_secrets(uri) and note.get("model_uri"):
            logged = client.get_logged_model(note["model_uri"].removeprefix("models:/"))
        if logged is None or logged.tags.get("model_uuid") != read_model_uuid(deployable):
            experiment = open_experiment(client, store)
            run_id = client.create_run(experiment, run_name=f"register {name}").info.run_id
            logged = log_model(client, experiment, run_id, deployable, params={}, tags=facts)
            client.set_terminated(run_id)
        tags = {**facts, EVIDENCE_TAG: json.dumps(registry_summary(metadata))}
        change = _add_version(client, uri, name, logged, tags)
    except Exception as error:
        message = f"{deployable} was not registered as {name} in the MLflow store {hide_secrets(uri)}"
        raise ConfigError(f"{message}: {first_line(error)}") from error
    if note:
        registered = {"name": name, "version": change.version, "alias": CHAMPION}
        write_atomically(note_file, json.dumps({**note, "registered": registered}, indent=2).encode())
    return change


def fetch(store: ModelStore, uri: str) -> Path:
    """The folder of a registered model: `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `models:/MODEL-ID`.

    A store on this machine gives the folder itself, a server a temporary copy. Raises RunError.
    """
    match = re.fullmatch(r"models:/([^@/]+)(?:@([^/]+)|/(\d+))?", uri)
    if not match:
        raise RunError(f"{uri} is not a model's address; expected models:/NAME@ALIAS or models:/NAME/VERSION.")
    name, alias, version = match.groups()
    address = resolve_address(store)
    if (database := sqlite_file(address)) and not database.exists():  # reading must not create it
        raise RunError(f"{uri} is not available: there is no MLflow store at {database}. Name it by --tracking-uri.")
    try:
        client = connect(address)
        from mlflow.artifacts import download_artifacts

        if alias:
            version = client.get_model_version_by_alias(name, alias).version
        if version:
            source = client.get_model_version_download_uri(name, version)
        else:
            source = client.get_logged_model(name).artifact_location
        return Path(download_artifacts(artifact_uri=source, tracking_uri=address))
    except Exception as error:
        shown = without_secrets(in_one_line(error))
        raise RunError(f"{uri} is not available from the MLflow store {hide_secrets(address)}: {shown}") from error


def _facts(metadata: Mapping[str, object]) -> dict[str, str]:
    """What MLflow's own pages show of a version, as tags."""
    facts = {"fingerprint": str(metadata.get("fingerprint", "unknown"))}
    if objective := metadata.get("objective"):
        facts["objective"] = str(objective)
    score = evidence_of(metadata).test
    if score.is_defined:
        facts["objective_value"] = f"{score.value:.6g}"
    return facts


def _add_version(client: MlflowClient, uri: str, name: str, model: LoggedModel, tags: Mapping[str, str]) -> AliasChange:
    """Make a logged model the newest version of a name, and the champion."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # A client beside the database would look a model's id up in the global store.
    source = f"models:/{model.model_id}" if uri.startswith("http") else model.artifact_location
    version = client.create_model_version(
        name, source, run_id=model.source_run_id, tags=dict(tags), model_id=model.model_id, await_creation_for=0
    ).version
    # What makes the model's page show its versions.
    versions = [*json.loads(model.tags.get("mlflow.modelVersions", "[]")), {"name": name, "version": version}]
    client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": json.dumps(versions)})
    former = client.get_registered_model(name).aliases.get(CHAMPION)
    if former:
        client.set_registered_model_alias(name, PREVIOUS, former)
    client.set_registered_model_alias(name, CHAMPION, version)
    return AliasChange(name, CHAMPION, int(version), int(former) if former else None)
