"""Opens the storage of a study's trials: SQLite, a database server, or Optuna's gRPC proxy in front of one."""

from __future__ import annotations

import importlib.util
import random
import re
import time
import warnings
from collections.abc import Sequence
from urllib.parse import urlsplit

import optuna
import sqlalchemy.exc
from optuna.storages import BaseStorage, GrpcStorageProxy, RDBStorage
from optuna.trial import TrialState

from autotl.errors import ConfigError
from autotl.runtime.addresses import hide_secrets

PROXY = "grpc"
"""The scheme of an address of Optuna's gRPC proxy, as in grpc://HOST:PORT."""
LOCK_SECONDS = 120.0
"""How long a process waits for others that write to a SQLite file."""
ANSWER_SECONDS = 10.0
"""How long a proxy may take to answer for the first time."""
_TRIES = 8
_RACED = re.compile("already exists|duplicate key|UNIQUE constraint|database is locked", re.IGNORECASE)
"""What databases say to a process that makes the tables at the same moment as another."""
_POSTGRESQL = ("postgresql", "postgresql+psycopg", "postgresql+psycopg2")


def open_storage(address: str) -> BaseStorage:
    """Open the storage at an address, and make its tables where there are none.

    Raises ConfigError where a proxy's address lacks a host or a port, ConnectionError where the proxy does not answer,
    and what SQLAlchemy and the driver raise for a database.
    """
    if address.partition("://")[0] == PROXY:
        return _open_proxy(address)
    for left in reversed(range(_TRIES)):
        try:
            return _open_database(address)
        except sqlalchemy.exc.DBAPIError as error:
            if not left or not _RACED.search(str(error)):
                raise
            time.sleep(random.uniform(0.05, 0.5))
    raise AssertionError


def _open_database(address: str) -> RDBStorage:
    if address.startswith("sqlite"):
        return _SqliteStorage(address, engine_kwargs={"connect_args": {"timeout": LOCK_SECONDS}})
    # One connection a process, for a server allows about a hundred; and a new one where the server was restarted.
    options = {"pool_size": 1, "max_overflow": 20, "pool_pre_ping": True}
    return RDBStorage(_with_installed_driver(address), engine_kwargs=options)


class _SqliteStorage(RDBStorage):
    """A storage in a file, for one machine.

    SQLite cannot lock the row of a trial: two processes would both read that it waits, and run it. Here the file is
    locked before the state is read.
    """

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:  # fmt: skip
        session = self.scoped_session()  # of this thread, the one that is used below
        try:
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            session.rollback()
            raise
        return super().set_trial_state_values(trial_id, state, values)


def _with_installed_driver(address: str) -> str:
    """An address of PostgreSQL with the driver pg8000, where that is installed and the one it names is not."""
    scheme, _, rest = address.partition("://")
    driver = scheme.partition("+")[2] or "psycopg"
    if scheme not in _POSTGRESQL or "?" in rest or importlib.util.find_spec(driver):
        return address
    return f"postgresql+pg8000://{rest}" if importlib.util.find_spec("pg8000") else address


def _open_proxy(address: str) -> GrpcStorageProxy:
    try:
        place = urlsplit(address)
        host, port = place.hostname, place.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise ConfigError(
            f"the storage {hide_secrets(address)} is not an address of a proxy; it looks like grpc://HOST:PORT"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = GrpcStorageProxy(host=host, port=port)
    storage.wait_server_ready(timeout=ANSWER_SECONDS)
    return storage
