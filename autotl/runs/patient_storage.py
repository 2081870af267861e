"""Storages that wait for their server where it is away for a moment, such as while it is started again."""

from __future__ import annotations

import functools
import random
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import optuna
import sqlalchemy
from optuna.storages import BaseStorage, GrpcStorageProxy, RDBStorage

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

PATIENCE_SECONDS = 60.0
"""How long a process waits for a server."""
IDLE_SECONDS = 60.0
"""How long a transaction may wait for its process; most take milliseconds."""
_SAID = re.compile("starting up|shutting down|recovery mode|terminating connection|too many clients", re.IGNORECASE)
"""What PostgreSQL answers while it cannot serve."""
_UNREACHABLE, _DRIVER_ERRORS = {"OperationalError", "InterfaceError"}, {"DatabaseError", "InterfaceError"}
"""The errors of every driver, by their names in PEP 249."""
_OF_RDB = ("_create_new_trial", "_get_trials", "_set_trial_param", "_get_best_trial_id")
"""The methods by which Optuna's cache reaches a database, beside the public ones."""
_Storage = TypeVar("_Storage", bound=type[BaseStorage])


def is_away(error: BaseException) -> bool:
    """Whether an error of a storage says that its server cannot be reached, or not yet."""
    cause = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) else error
    if isinstance(cause, sqlalchemy.exc.DBAPIError):
        unreachable = isinstance(cause, sqlalchemy.exc.OperationalError | sqlalchemy.exc.InterfaceError)
        return unreachable or cause.connection_invalidated or bool(_SAID.search(str(cause)))
    kinds = {one.__name__ for one in type(cause).__mro__}
    if kinds & _DRIVER_ERRORS:  # as it is, while a connection is set up
        return bool(kinds & _UNREACHABLE) or bool(_SAID.search(str(cause)))
    code = getattr(cause, "code", None)  # of gRPC's errors
    return callable(code) and getattr(code(), "name", "") == "UNAVAILABLE"


def _limit_transactions(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Let PostgreSQL end a transaction whose process has stopped or vanished: all others would wait for it."""
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS:g}s'")
    cursor.close()
    connection.commit()


def _patiently(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **options: Any) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return method(*arguments, **options)
            except Exception as error:
                if not is_away(error) or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0.2, 1.0))

    return call


def _patient(storage: _Storage) -> _Storage:
    """Let all methods of a class that reach its server wait for it."""
    public = [name for name in vars(BaseStorage) if not name.startswith("_") and name != "remove_session"]
    for name in (*public, *_OF_RDB):
        if method := getattr(storage, name, None):
            setattr(storage, name, _patiently(method))
    return storage


@_patient
class ServerStorage(RDBStorage):
    """A storage in a database server.

    What had been done when the connection broke may be done twice: a second trial is then begun, or queued.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.engine.name == "postgresql":
            sqlalchemy.event.listen(self.engine, "connect", _limit_transactions)
            self.engine.dispose()  # of the connection that was made above


@_patient
class ProxyStorage(GrpcStorageProxy):
    """A storage behind Optuna's gRPC proxy."""
