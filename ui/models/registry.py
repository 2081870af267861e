"""The model registry as the app reads and changes it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from autotl.deploy.registry import model_store, require_alias, require_registry
from autotl.errors import AutoTLError
from autotl.interfaces import CHAMPION, AliasChange, ModelStore, RegisteredModel
from autotl.runtime.addresses import sqlite_file
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.workspace import Workspace

SECONDS_BETWEEN_READS = 15


@dataclass(frozen=True)
class Registry:
    """What is registered. address: the store's. problem: why it cannot be read."""

    address: str
    models: tuple[RegisteredModel, ...] = ()
    problem: str = ""

    @property
    def database(self) -> Path | None:
        """The file of a store on this machine."""
        return sqlite_file(self.address)


def read_registry(workspace: Workspace) -> Registry:
    """What is registered beside the runs of a workspace; a store is never created by looking."""
    try:
        address = require_registry(loaded_plugins()).store_address(_store(workspace))
    except AutoTLError as error:
        return Registry("", problem=str(error))
    return _read(_store(workspace), address, _stamp(address))


# A resource, not data: it is immutable, so it does not have to be copied for every click.
@st.cache_resource(
    max_entries=8,
    ttl=SECONDS_BETWEEN_READS,
    show_spinner="Opening the model registry, which takes a few seconds the first time",
)
def _read(store: ModelStore, address: str, stamp: int) -> Registry:  # noqa: ARG001 - the key
    try:
        return Registry(address, require_registry(loaded_plugins()).list_models(store))
    except AutoTLError as error:
        return Registry(address, problem=str(error))


def promote(workspace: Workspace, name: str, version: int, *, former: int | None) -> AliasChange:
    """Make a version the champion; ConfigError where `former` is no longer the champion."""
    expected = AliasChange(name, CHAMPION, version, former)
    return require_registry(loaded_plugins()).promote(_store(workspace), name, version, expected)


def roll_back(workspace: Workspace, name: str, version: int, *, former: int | None) -> AliasChange:
    """Make the previous champion, which is this version, the champion again; ConfigError if it is not that now."""
    expected = AliasChange(name, CHAMPION, version, former)
    return require_registry(loaded_plugins()).roll_back(_store(workspace), name, expected)


def set_alias(workspace: Workspace, name: str, alias: str, version: int | None) -> AliasChange:
    """Give a version an alias, or remove the alias (version None). Raises ConfigError."""
    return require_registry(loaded_plugins()).set_alias(_store(workspace), name, require_alias(alias), version)


def forget() -> None:
    """Read the registry again the next time, such as after a change."""
    _read.clear()


def _store(workspace: Workspace) -> ModelStore:
    return model_store(workspace.tracking_uri, beside=workspace.runs)


def _stamp(address: str) -> int:
    """A number that changes when the store does; for a server this cannot be known."""
    database = sqlite_file(address)
    try:
        return database.stat().st_mtime_ns if database else 0
    except OSError:
        return int(time.time())
