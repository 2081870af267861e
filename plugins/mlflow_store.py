"""The MLflow store that the tracker and the registry share."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.deploy.versions import CHAMPION, PREVIOUS, registry_summary
from autotl.errors import ConfigError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel


EXPERIMENT = "autotl"

EVIDENCE_TAG = "evidence"
"""On a version: the essence of its metadata.json, so that a list of versions opens no model."""

_MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output belongs to `--json`
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",  # seconds; MLflow's own settings try for minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}


def store_address(tracking_uri: str | None, default_store: Path) -> str:
    """The address, as anybody may see it, of the store that is used where this one, or none, is given."""
    return without_password(resolve_address(tracking_uri, default_store))


def existing_store(tracking_uri: str | None, default_store: Path) -> MlflowClient | None:
    """A client of the store, None where there is none yet: asking must not create it."""
    uri = resolve_address(tracking_uri, default_store)
    if (database := sqlite_file(uri)) and not database.exists():
        return None
    try:
        if database and not _is_sqlite(database):  # MLflow would try it for seconds
            raise ValueError("the file is damaged, or no SQLite database at all")
        return connect(uri)
    except Exception as error:
        raise unusable_store(tracking_uri, default_store, error) from error


def is_missing(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.error_code == "RESOURCE_DOES_NOT_EXIST"


def unusable_store(tracking_uri: str | None, default_store: Path, error: Exception) -> ConfigError:
    store = store_address(tracking_uri, default_store)
    return ConfigError(f"the MLflow store {store} cannot be used: {first_line(error)}")


def resolve_address(tracking_uri: str | None, default_store: Path) -> str:
    """The store's address, with an absolute path where it is a SQLite file."""
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{default_store / 'mlflow.db'}"
    database = sqlite_file(uri)
    return f"sqlite:///{database.as_posix()}" if database else uri


def without_password(text: str) -> str:
    """An address, or a message with addresses in it, as anybody may see it."""
    return re.sub(r"(?<=://)[^/\s]+@", "", text)


def sqlite_file(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")).absolute() if uri.startswith("sqlite:///") else None


def _is_sqlite(database: Path) -> bool:
    with database.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")


def connect(uri: str) -> MlflowClient:
    """A client of its own: no global tracking address is set, so two studies can share a process."""
    for name, value in _MANNERS.items():  # MLflow takes these from here alone; what the user has set stays
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    # A registry elsewhere, which the environment may name, goes with the store that it names.
    registry = None if uri == os.environ.get("MLFLOW_TRACKING_URI") else uri
    database = sqlite_file(uri)
    if database is None:
        return MlflowClient(tracking_uri=uri, registry_uri=registry)
    from filelock import FileLock

    for noisy in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    database.parent.mkdir(parents=True, exist_ok=True)
    # Two processes that create the tables at once would break the file for good.
    with FileLock(f"{database}.lock", timeout=300):
        client = MlflowClient(tracking_uri=uri, registry_uri=registry)
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)
    return client


def open_experiment(client: MlflowClient, uri: str, default_store: Path) -> str:
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        if found.lifecycle_stage != "active":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    # A server knows where artifacts go; MLflow's default for a database is the current directory.
    beside = sqlite_file(uri)
    artifacts = ((beside.parent if beside else default_store) / "mlartifacts").absolute().as_uri()
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
    """Upload a deployable as it is, except that its MLmodel gets to know the ids it has here."""
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


def evidence_tag(folder: Path) -> str:
    """What is known of a deployable, as JSON."""
    return json.dumps(registry_summary(json.loads((folder / "metadata.json").read_text(encoding="utf-8"))))


def read_model_uuid(folder: Path) -> str:
    found = re.search(r"^model_uuid: (\w+)$", (folder / "MLmodel").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def register_version(
    client: MlflowClient, uri: str, name: str, model: LoggedModel, tags: Mapping[str, str]
) -> dict[str, Any]:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # A client beside the database would look a model's id up in the global store.
    source = f"models:/{model.model_id}" if uri.startswith("http") else model.artifact_location
    facts = {"run_id": model.source_run_id, "tags": dict(tags), "model_id": model.model_id}
    version = client.create_model_version(name, source, **facts, await_creation_for=0).version
    # What makes the model's page show its versions.
    versions = [*json.loads(model.tags.get("mlflow.modelVersions", "[]")), {"name": name, "version": version}]
    client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": json.dumps(versions)})
    former = client.get_registered_model(name).aliases.get(CHAMPION)
    if former:
        client.set_registered_model_alias(name, PREVIOUS, former)
    client.set_registered_model_alias(name, CHAMPION, version)
    return {"name": name, "version": int(version), "alias": CHAMPION}


def log_batch(
    client: MlflowClient,
    run_id: str,
    *,
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    step: int = 0,
) -> None:
    """Log what has a value, under names MLflow accepts, within its limits for one call."""
    from mlflow.entities import Metric, Param, RunTag

    now = round(time.time() * 1000)
    numbers = [
        Metric(_name(key), float(value), now, step)
        for key, value in (metrics or {}).items()
        if isinstance(value, int | float) and math.isfinite(value)
    ]
    texts = [Param(_name(key), str(value)[:6000]) for key, value in (params or {}).items() if value not in (None, "")]
    labels = [RunTag(_name(key), str(value)[:5000]) for key, value in (tags or {}).items()]
    for start in range(0, max(len(numbers), len(texts), 1), 100):
        client.log_batch(run_id, numbers[start : start + 100], texts[start : start + 100], labels if start == 0 else ())


def _name(text: str) -> str:
    return re.sub(r"[^\w.\- :/]", "_", str(text))[:250]


def is_refusal(error: Exception) -> bool:
    """The store answered, and says that what was asked is wrong."""
    from mlflow.exceptions import MlflowException

    refusals = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST")
    return isinstance(error, MlflowException) and error.error_code in refusals


def first_line(error: BaseException) -> str:
    """The root cause where it is the network's, else what MLflow says."""
    root = error
    while cause := root.__cause__ or root.__context__:
        root = cause
    text = str(root if isinstance(root, OSError) else error).strip()
    return without_password(text.splitlines()[0])[:300] if text else type(error).__name__
