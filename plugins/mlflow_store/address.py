"""Where an MLflow store is, and how its address is shown."""

from __future__ import annotations

import os
import re
from pathlib import Path

from autotl.interfaces import ModelStore


def resolve_address(store: ModelStore) -> str:
    """The store's address, with an absolute path where it is a SQLite file."""
    uri = store.address or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{_default_database(store)}"
    database = sqlite_file(uri)
    return f"sqlite:///{database.as_posix()}" if database else uri


def store_address(store: ModelStore) -> str:
    """The store's address without its password."""
    return without_password(resolve_address(store))


def without_password(text: str) -> str:
    """An address, or a message with addresses in it, with no name or password before a host."""
    return re.sub(r"(?<=://)[^/\s]+@", "", text)


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store, None where the address is of another kind."""
    return Path(uri.removeprefix("sqlite:///")).absolute() if uri.startswith("sqlite:///") else None


def _default_database(store: ModelStore) -> Path:
    databases = [folder / "mlflow.db" for folder in store.beside]
    return next((database for database in databases if database.exists()), databases[0])
