"""Where an MLflow store is, and how its address is shown."""

from __future__ import annotations

import os
from pathlib import Path

from autotl.interfaces import ModelStore
from autotl.runtime.addresses import HIDDEN, hide_secrets, reveal_secrets, sqlite_address, sqlite_file

ADDRESS_VARIABLE = "MLFLOW_TRACKING_URI"
_LOGIN_VARIABLES = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_TOKEN")


def resolve_address(store: ModelStore) -> str:
    """The store's address in full, with an absolute path where it is a SQLite file.

    Raises ConfigError if its password was not kept, and the environment does not give it.
    """
    uri = store.address or os.environ.get(ADDRESS_VARIABLE)
    if uri is None or uri == "":
        return sqlite_address(_default_database(store))
    database = sqlite_file(uri)
    if database:
        return sqlite_address(database)
    if uri.partition("://")[2].startswith(f"{HIDDEN}@") and any(os.environ.get(name) for name in _LOGIN_VARIABLES):
        return uri.replace(f"{HIDDEN}@", "", 1)  # MLflow adds the login itself
    return reveal_secrets(uri, ADDRESS_VARIABLE, option="--tracking-uri")


def store_address(store: ModelStore) -> str:
    """The store's address without its password."""
    if store.address and HIDDEN in store.address:
        return store.address
    return hide_secrets(resolve_address(store))


def _default_database(store: ModelStore) -> Path:
    databases = [folder / "mlflow.db" for folder in store.beside]
    return next((database for database in databases if database.exists()), databases[0])
