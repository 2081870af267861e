"""The model registry as the app reads and changes it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from autotl.deploy import registry
from autotl.deploy.versions import CHAMPION, AliasChange, RegisteredModel
from autotl.errors import AutoTLError
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.workspace import Workspace

SQLITE = "sqlite:///"
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
        return Path(self.address.removeprefix(SQLITE)) if self.address.startswith(SQLITE) else None


def read_registry(workspace: Workspace) -> Registry:
    """What is registered beside the runs of a workspace; a store is never created by looking."""
    try:
        address = registry.store_address(loaded_plugins(), beside=workspace.runs, tracking_uri=workspace.tracking_uri)
    except AutoTLError as error:
        return Registry("", problem=str(error))
    return _read(workspace.runs, workspace.tracking_uri, address, _stamp(address))


# A resource, not data: nothing of it can be changed, and nothing has to be copied for every click.
@st.cache_resource(
    max_entries=8, ttl=SECONDS_BETWEEN_READS, show_spinner="Opening the model registry; at first it takes some seconds"
)
def _read(runs: Path, tracking_uri: str | None, address: str, stamp: int) -> Registry:  # noqa: ARG001 - the key
    try:
        return Registry(address, registry.list_models(loaded_plugins(), beside=runs, tracking_uri=tracking_uri))
    except AutoTLError as error:
        return Registry(address, problem=str(error))


def promote(workspace: Workspace, name: str, version: int, *, former: int | None) -> AliasChange:
    """Make a version the champion; ConfigError where `former` is not the champion any more."""
    expected = AliasChange(name, CHAMPION, version, former)
    where, store = workspace.runs, workspace.tracking_uri
    return registry.promote(name, version, loaded_plugins(), beside=where, tracking_uri=store, expected=expected)


def roll_back(workspace: Workspace, name: str, version: int, *, former: int | None) -> AliasChange:
    """Make the previous champion, which is this version, the champion again; ConfigError where it is not any more."""
    expected = AliasChange(name, CHAMPION, version, former)
    where, store = workspace.runs, workspace.tracking_uri
    return registry.roll_back(name, loaded_plugins(), beside=where, tracking_uri=store, expected=expected)


def set_alias(workspace: Workspace, name: str, alias: str, version: int | None) -> AliasChange:
    """Give a version an alias, or take it away (version None). Raises ConfigError."""
    return registry.set_alias(
        name, alias, version, loaded_plugins(), beside=workspace.runs, tracking_uri=workspace.tracking_uri
    )


def forget() -> None:
    """Read anew at the next look, such as after a change."""
    _read.clear()


def _stamp(address: str) -> int:
    """What changes when the store does; of a server nobody knows."""
    try:
        return Path(address.removeprefix(SQLITE)).stat().st_mtime_ns if address.startswith(SQLITE) else 0
    except OSError:
        return int(time.time())
