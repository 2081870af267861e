"""A client of an MLflow store, and what the store's errors mean."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.errors import ConfigError
from autotl.interfaces import ModelStore
from autotl_plugins.mlflow_store.address import resolve_address, sqlite_file, store_address, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output belongs to `--json`
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",  # seconds; MLflow's own settings try for minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}
"""What MLflow reads from the environment alone; what the user has set stays."""


def connect(uri: str) -> MlflowClient:
    """A client of its own: no global tracking address is set, so two studies can share a process."""
    for name, value in ENVIRONMENT.items():
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


def connect_to_existing(store: ModelStore) -> MlflowClient | None:
    """A client of the store, None where there is none yet: reading must not create it. Raises ConfigError."""
    uri = resolve_address(store)
    if (database := sqlite_file(uri)) and not database.exists():
        return None
    try:
        if database and not _is_sqlite(database):  # MLflow would try it for seconds
            raise ValueError("the file is damaged, or not a SQLite database at all")
        return connect(uri)
    except Exception as error:
        raise unusable_store(store, error) from error


def unusable_store(store: ModelStore, error: Exception) -> ConfigError:
    """The error to raise where a store cannot be used."""
    return ConfigError(f"the MLflow store {store_address(store)} cannot be used: {first_line(error)}")


def is_missing(error: Exception) -> bool:
    """Whether the store says that it does not hold what was asked for."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.error_code == "RESOURCE_DOES_NOT_EXIST"


def is_refusal(error: Exception) -> bool:
    """Whether the store answered, and says that what was asked is wrong."""
    from mlflow.exceptions import MlflowException

    refusals = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST")
    return isinstance(error, MlflowException) and error.error_code in refusals


def first_line(error: BaseException) -> str:
    """The root cause where it is the network's, else what MLflow says; without a password."""
    root = error
    while cause := root.__cause__ or root.__context__:
        root = cause
    text = str(root if isinstance(root, OSError) else error).strip()
    return without_password(text.splitlines()[0])[:300] if text else type(error).__name__


def _is_sqlite(database: Path) -> bool:
    with database.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")
