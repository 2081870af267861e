"""The model registry as the app reads and changes it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from autotl import registry
from autotl.errors import AutoTLError
from autotl.versions import RegisteredModel
from autotl_ui.installed import loaded_plugins
from autotl_ui.workspace import Workspace

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
        address = registry.store_address(loaded_plugins(), beside=workspace.runs)
    except AutoTLError as error:
        return Registry("", problem=str(error))
    return _read(workspace.runs, address, _stamp(address))


# A resource, not data: nothing of it can be changed, and nothing has to be copied for every click.
@st.cache_resource(
    max_entries=8, ttl=SECONDS_BETWEEN_READS, show_spinner="Opening the model registry; at first it takes some seconds"
)
def _read(runs: Path, address: str, stamp: int) -> Registry:  # noqa: ARG001, a store that has changed is read anew
    try:
        return Registry(address, registry.list_models(loaded_plugins(), beside=runs))
    except AutoTLError as error:
        return Registry(address, problem=str(error))


def forget() -> None:
    """Read anew at the next look, such as after a change."""
    _read.clear()


def _stamp(address: str) -> int:
    """What changes when the store does; of a server nobody knows."""
    try:
        return Path(address.removeprefix(SQLITE)).stat().st_mtime_ns if address.startswith(SQLITE) else 0
    except OSError:
        return int(time.time())
