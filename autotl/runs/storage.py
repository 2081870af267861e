"""Opens the storage of a study's trials: SQLite, a database server, or Optuna's gRPC proxy in front of one."""

from __future__ import annotations

import importlib.util
import random
import re
import socket
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import optuna
import sqlalchemy
from optuna.storages import BaseStorage, GrpcStorageProxy, RDBStorage
from optuna.trial import TrialState

from autotl.errors import ConfigError, in_one_line
from autotl.runs.patient_storage import PATIENCE_SECONDS, ProxyStorage, ServerStorage, is_away
from autotl.runtime.addresses import hide_secrets, without_secrets
from autotl.runtime.conditions import causes

PROXY = "grpc"
"""The scheme of an address of Optuna's gRPC proxy, as in grpc://HOST:PORT."""
LOCK_SECONDS = 120.0
"""How long a process waits for others that write to a SQLite file."""
PROXY_THREADS = 10
"""Requests that a proxy answers at a time, each with a connection to the database."""
ANSWER_SECONDS = 10.0
"""How long a proxy may take to answer for the first time."""
_BUSY = re.compile("already exists|duplicate key|UNIQUE constraint|database is locked|too many clients", re.IGNORECASE)
"""What databases say where several make the tables at once, or connect."""
_POSTGRESQL = ("postgresql", "postgresql+psycopg", "postgresql+psycopg2")


def open_storage(address: str, *, connections: int = 1) -> BaseStorage:
    """Open the storage at an address, and make its tables where there are none.

    connections: how many this process has with a database server at most; a server allows about a hundred in all.
    Raises ConfigError if a proxy's address lacks a host or a port, ConnectionError if the proxy does not answer,
    and what SQLAlchemy and the driver raise for a database.
    """
    if address.partition("://")[0] == PROXY:
        return _open_proxy(address)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _open_database(address, connections)
        except (sqlalchemy.exc.DBAPIError, optuna.exceptions.StorageInternalError) as error:
            if not _BUSY.search(f"{error} {error.__cause__}") or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.1, 1.0))


@contextmanager
def opened(address: str) -> Iterator[BaseStorage]:
    """Open the storage at an address for a while; raises what `open_storage` does."""
    storage = open_storage(address)
    try:
        yield storage
    finally:
        close_storage(storage)


def close_storage(storage: BaseStorage) -> None:
    """Close the connections of a storage that `open_storage` returned."""
    if isinstance(storage, RDBStorage):
        try:
            storage.remove_session()
        except Exception as error:
            if not is_away(error):  # there is nothing left to close at a server that has gone
                raise
        storage.engine.dispose()
    elif isinstance(storage, GrpcStorageProxy):
        storage.close()


def _open_database(address: str, connections: int) -> RDBStorage:
    if address.startswith("sqlite"):
        return _SqliteStorage(address, engine_kwargs={"connect_args": {"timeout": LOCK_SECONDS}})
    address = _with_installed_driver(address)
    RDBStorage(address, engine_kwargs={"poolclass": sqlalchemy.NullPool})  # to check the tables takes two connections
    # Pinged, for a server may have been started again.
    options = {"pool_size": connections, "max_overflow": 0, "pool_pre_ping": True}
    return ServerStorage(address, engine_kwargs=options, skip_table_creation=True, skip_compatibility_check=True)


def require_storage(address: str, *, is_new: bool = True) -> None:
    """Raise ConfigError if Optuna cannot keep trials at an address, such as for a slip in it.

    is_new: whether a file may be made there, if it is one of SQLite; a worker needs one that holds a study.
    """
    shown = hide_secrets(address)
    if not is_new and _names_no_file(address):
        raise ConfigError(
            f"the storage {shown} does not exist. Give the storage of the run with --storage or AUTOTL_STORAGE"
        )
    try:
        with opened(address):
            pass
    except ConfigError:
        raise
    except Exception as error:
        reason = without_secrets(in_one_line(error))
        advice = (
            "Is `autotl storage-proxy` running there? If so, correct --storage; the address looks like grpc://HOST:PORT"
            if address.startswith(f"{PROXY}://")
            else "Correct --storage; an address looks like postgresql+pg8000://USER@HOST/DATABASE, and its package, "
            "here pg8000, has to be installed"
        )
        raise ConfigError(f"the storage {shown} cannot be used: {reason}. {advice}") from None


def _names_no_file(address: str) -> bool:
    """Whether it is the address of a SQLite file that does not exist."""
    try:
        url = sqlalchemy.make_url(address)
    except sqlalchemy.exc.ArgumentError:  # it is refused where it is opened
        return False
    return bool(url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists())


def is_gone(error: BaseException) -> bool:
    """Whether an error says that a storage does not answer, or no longer: its server, or the way to it."""
    kinds = (sqlalchemy.exc.DBAPIError, optuna.exceptions.StorageInternalError, ConnectionError)
    return any(isinstance(one, kinds) or type(one).__module__.startswith("grpc") for one in causes(error))


def serve_storage(address: str, *, host: str, port: int) -> None:
    """Serve a storage by Optuna's gRPC proxy, which asks for no password, until the process is stopped.

    Raises ConfigError if the port is in use or grpcio is not installed, and what `open_storage` raises.
    """
    if not importlib.util.find_spec("grpc"):
        raise ConfigError("a proxy needs the package grpcio, which is not installed: pip install 'autotl[proxy]'")
    try:
        with socket.create_server((host, port)):  # gRPC would share the port with another proxy without a word
            pass
    except OSError as error:
        raise ConfigError(f"{host}:{port} cannot be listened on: {error.strerror}; give another --port") from None
    storage = optuna.storages.get_storage(open_storage(address, connections=PROXY_THREADS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.run_grpc_proxy_server(
            storage, host=host, port=port, thread_pool=ThreadPoolExecutor(PROXY_THREADS)
        )


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
        storage = ProxyStorage(host=host, port=port)
    storage.wait_server_ready(timeout=ANSWER_SECONDS)
    return storage
