"""Aliases and tags of registered models in MLflow: which version is champion, and how that changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from autotl.errors import AutoTLError, ConfigError
from autotl.interfaces import CHAMPION, PREVIOUS, AliasChange, ModelStore
from autotl.runtime.addresses import sqlite_file
from autotl_plugins.mlflow_store.address import resolve_address, store_address
from autotl_plugins.mlflow_store.client import connect_to_existing, is_missing, unusable_store

if TYPE_CHECKING:
    from mlflow import MlflowClient


def promote(store: ModelStore, name: str, version: int, expected: AliasChange | None) -> AliasChange:
    """Move the alias `champion` to a version; the one before keeps the alias `previous`. Raises ConfigError."""
    with _registered(store, name) as (client, aliases):
        _require_version(client, name, version)
        former = aliases.get(CHAMPION)
        change = AliasChange(name, CHAMPION, version, former)
        _require_expected(change, expected)
        if former != version:
            # In this order: if only the first is done, nothing has changed for those who load the champion.
            if former is not None:
                client.set_registered_model_alias(name, PREVIOUS, str(former))
            client.set_registered_model_alias(name, CHAMPION, str(version))
        return change


def roll_back(store: ModelStore, name: str, expected: AliasChange | None) -> AliasChange:
    """Let champion and previous change places; raises ConfigError if there is no previous champion."""
    with _registered(store, name) as (client, aliases):
        previous, former = aliases.get(PREVIOUS), aliases.get(CHAMPION)
        if previous is None:
            raise ConfigError(
                f"{name} has no version with the alias {PREVIOUS!r}, so there is nothing to go back to; "
                f"name a version: `autotl promote {name!r} VERSION`"
            )
        change = AliasChange(name, CHAMPION, previous, former)
        _require_expected(change, expected)
        client.set_registered_model_alias(name, CHAMPION, str(previous))
        if former is None:
            client.delete_registered_model_alias(name, PREVIOUS)
        else:
            client.set_registered_model_alias(name, PREVIOUS, str(former))
        return change


def set_alias(store: ModelStore, name: str, alias: str, version: int | None) -> AliasChange:
    """Give a version an alias, or take the alias away (version None). Raises ConfigError."""
    with _registered(store, name) as (client, aliases):
        if version is None:
            client.delete_registered_model_alias(name, alias)
        else:
            _require_version(client, name, version)
            client.set_registered_model_alias(name, alias, str(version))
        return AliasChange(name, alias, version, aliases.get(alias))


def set_tag(store: ModelStore, name: str, version: int, key: str, value: str) -> None:
    """Set a tag on a version. Raises ConfigError."""
    with _registered(store, name) as (client, _):
        _require_version(client, name, version)
        client.set_model_version_tag(name, str(version), key, value)


@contextmanager
def _registered(store: ModelStore, name: str) -> Iterator[tuple[MlflowClient, dict[str, int]]]:
    """A client and a model's aliases, locked against changes by other processes on this machine."""
    from filelock import FileLock

    database = sqlite_file(resolve_address(store))
    client = connect_to_existing(store)
    if client is None:
        raise ConfigError(f"there is no MLflow store at {database}; register a run first")
    try:
        with FileLock(f"{database}.lock", timeout=60) if database else nullcontext():
            found = client.get_registered_model(name).aliases
            yield client, {alias: int(number) for alias, number in found.items()}
    except AutoTLError:
        raise
    except Exception as error:
        if is_missing(error):
            raise ConfigError(
                f"there is no registered model {name!r} in {store_address(store)}; `autotl models` lists them"
            ) from error
        raise unusable_store(store, error) from error


def _require_version(client: MlflowClient, name: str, version: int) -> None:
    try:
        client.get_model_version(name, str(version))
    except Exception as error:
        if not is_missing(error):
            raise
        raise ConfigError(f"{name} has no version {version}; `autotl models` lists its versions") from error


def _require_expected(change: AliasChange, expected: AliasChange | None) -> None:
    if expected is not None and expected != change:
        raise ConfigError(
            f"the aliases of {change.name} have been moved meanwhile: its champion would change {_from_to(change)}, "
            f"not {_from_to(expected)}. Look at it as it is now, and decide again"
        )


def _from_to(change: AliasChange) -> str:
    former = "no version" if change.former is None else f"version {change.former}"
    return f"from {former} to version {change.version}"
