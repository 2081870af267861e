"""A network in a file, as a backbone: named by its path, or, where others may use the app, uploaded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Protocol

import streamlit as st

from autotl.interfaces import EncoderFormat
from autotl.runtime.atomic_files import write_atomically
from autotl_ui.widgets.words import megabytes
from autotl_ui.workspace.installed import loaded_plugins
from autotl_ui.workspace.workspace import Workspace

FOLDER = "autotl-networks"
"""Of a workspace: the networks that were uploaded."""
MOST_BYTES = 2 * 2**30
"""Of all uploaded networks of a workspace."""
_NETWORK, _SETTINGS = ".onnx", ".json"
_HOW_USED = (
    "The network is not fine-tuned. It is compared with the networks chosen above; if none is chosen, it is used alone."
)


class SentFile(Protocol):
    """A file that a browser has sent."""

    @property
    def name(self) -> str: ...

    def getvalue(self) -> bytes: ...


class NetworkFileError(Exception):
    """A network that was sent cannot be kept; the message says why."""


def ask_for_path() -> str:
    """Draw a field for the path of a network on this machine, or for a name with a prefix; returns its text."""
    examples = ", ".join(one.example for one in loaded_plugins().all(EncoderFormat).values())
    return st.text_input(
        "Or a network of your own", key="network", placeholder="Path of an ONNX file", max_chars=1000,
        autocomplete="off",
        help=f"Enter one of {examples}. {_HOW_USED} The documentation's page Encoders says how its input is found.",
    ).strip()  # fmt: skip


def ask_for_upload() -> Sequence[SentFile]:
    """Draw a place to upload a network; returns the files that were sent."""
    return st.file_uploader(
        "Or a network of your own", [_NETWORK, _SETTINGS], accept_multiple_files=True, key="network",
        help=f"An ONNX file, and the JSON file that describes its input, if there is one. {_HOW_USED}",
    )  # fmt: skip


def keep_upload(sent: Sequence[SentFile], workspace: Workspace) -> str:
    """Write an uploaded network into the workspace; returns its path, empty where none was sent.

    The folder is named by the content, so that a run finds what it began with. Raises NetworkFileError if it is not one
    network, or if there is no room, OSError if it cannot be written.
    """
    if not sent:
        return ""
    networks = [one for one in sent if PurePath(one.name).suffix.lower() == _NETWORK]
    settings = [one for one in sent if one not in networks]
    if len(networks) != 1 or len(settings) > 1:
        raise NetworkFileError(
            f"{len(networks)} ONNX files and {len(settings)} JSON files were uploaded; expected one ONNX file, and at "
            "most one JSON file that describes it."
        )
    contents = [one.getvalue() for one in (*networks, *settings)]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", PurePath(networks[0].name).stem).strip(".-") or "network"
    digest = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()
    folder = workspace.root / FOLDER / digest[:16]
    target = folder / f"{name}{_NETWORK}"
    if not target.exists():
        _require_room(workspace.root / FOLDER, sum(map(len, contents)))
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, content in reversed([*zip((_NETWORK, _SETTINGS), contents, strict=False)]):
            write_atomically(folder / f"{name}{suffix}", content)
    return str(target)


def _require_room(folder: Path, needed: int) -> None:
    kept = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if kept + needed > MOST_BYTES:
        raise NetworkFileError(
            f"This network takes {megabytes(needed)}, and those uploaded before take {megabytes(kept)}; all together "
            f"may take {megabytes(MOST_BYTES)}. Upload a smaller network, or ask the administrator to delete some."
        )
