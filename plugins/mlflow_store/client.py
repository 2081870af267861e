"""A client of an MLflow store, and what the store's errors mean."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from autotl.errors import AutoTLError, ConfigError, MachineError
from autotl.interfaces import ModelStore
from autotl.runtime.addresses import sqlite_address, sqlite_file, without_secrets
from autotl_plugins.mlflow_store.address import ADDRESS_VARIABLE, resolve_address, store_address

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
_SERVERS = ("http", "https", "file", "databricks", "databricks-uc", "uc")
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


def connect(uri: str) -> MlflowClient:
    """A client of its own: no global tracking address is set, so two studies can share a process."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    # A registry elsewhere, which the environment may name, goes with the store that it names.
    registry = None if uri == os.environ.get(ADDRESS_VARIABLE) else uri
    require_database(uri)
    database = sqlite_file(uri)
    if database is None:
        return MlflowClient(tracking_uri=uri, registry_uri=registry)
    from filelock import FileLock

    for noisy in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    database.parent.mkdir(parents=True, exist_ok=True)
    # Two processes that create the tables at once would break the file for good.
    with FileLock(_lock_file(database), timeout=300):
        if not database.exists():
            _create(database)
        client = MlflowClient(tracking_uri=uri, registry_uri=registry)
        _make_tables(client)
    return client


def _create(database: Path) -> None:
    """Make a new store beside its place: one that was left half made, by a full disk, could never be used."""
    from mlflow import MlflowClient

    new = database.with_name(f"{database.name}.{uuid.uuid4().hex}")
    try:
        _make_tables(MlflowClient(tracking_uri=sqlite_address(new), registry_uri=sqlite_address(new)))
        new.rename(database)
    finally:
        for suffix in ("", "-journal"):
            new.with_name(f"{new.name}{suffix}").unlink(missing_ok=True)


def _make_tables(client: MlflowClient) -> None:
    client.search_experiments(max_results=1)
    client.search_registered_models(max_results=1)


def require_database(uri: str) -> None:
    """Raise where a database cannot be used, at once: MLflow itself would try it for a minute and a half.

    Nothing is created. Raises ConfigError or MachineError; what the database's driver raises is passed on.
    """
    from autotl.runtime.conditions import Place, require_writable

    database = sqlite_file(uri)
    if database:
        remedy = "Name another store with --tracking-uri"
        require_writable(Place(database.parent, "the folder of the MLflow store", remedy))
        if database.exists() and not _is_sqlite(database):
            raise ConfigError(f"{database} is damaged, or not a SQLite database at all. Remove it, or n{remedy[1:]}")
        for file in (database, _lock_file(database)):
            if file.exists() and not os.access(file, os.W_OK):
                raise MachineError(f"{file} of the MLflow store may not be written by this user. {remedy}")
    elif uri.partition("://")[0].partition("+")[0] in _DATABASES:
        import sqlalchemy

        engine = sqlalchemy.create_engine(uri)
        try:
            engine.connect().close()
        finally:
            engine.dispose()


def check_store(store: ModelStore) -> None:
    """Raise ConfigError if a store cannot be used for a slip in its address or a fault on this machine.

    Nothing is created, and a tracking server is not asked: it may be back when the search ends.
    """
    uri = resolve_address(store)
    scheme, sign, rest = uri.partition("://")
    shown = store_address(store)
    family = scheme.partition("+")[0] if sign else ""
    if sqlite_file(uri) is None and (family == "sqlite" or (sign and not rest.strip("/"))):
        raise ConfigError(
            f"the MLflow store {shown} cannot be used: a SQLite file is written sqlite:///FOLDER/mlflow.db, with three "
            "slashes, four for an absolute path; a server http://HOST:PORT"
        )
    if family and family not in (*_DATABASES, *_SERVERS) and not _has_plugin(family):
        known = ", ".join(f"{name}://" for name in (*_SERVERS, *_DATABASES))
        raise ConfigError(f"the MLflow store {shown} cannot be used: its address begins with none of {known}")
    if not family and uri.endswith((".db", ".sqlite", ".sqlite3")):
        raise ConfigError(
            f"the MLflow store {shown} cannot be used: MLflow would take it for a folder. Write "
            f"{sqlite_address(Path(uri).expanduser())}"
        )
    try:
        require_database(uri)
    except AutoTLError:
        raise
    except Exception as error:
        raise unusable_store(store, error) from error


def _has_plugin(scheme: str) -> bool:
    return any(found.name == scheme for found in importlib.metadata.entry_points(group="mlflow.tracking_store"))


def connect_to_existing(store: ModelStore) -> MlflowClient | None:
    """A client of the store, None if there is none yet: reading must not create it. Raises ConfigError."""
    uri = resolve_address(store)
    if (database := sqlite_file(uri)) and not database.exists():
        return None
    try:
        return connect(uri)
    except AutoTLError:
        raise
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
    return without_secrets(text.splitlines()[0])[:300] if text else type(error).__name__


def _lock_file(database: Path) -> Path:
    return database.with_name(f"{database.name}.lock")


def _is_sqlite(database: Path) -> bool:
    with database.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")
