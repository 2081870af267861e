"""A table of texts that somebody uploads to classify all its rows."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePath

import streamlit as st

from autotl.data.tables import column_names
from autotl.errors import AutoTLError
from autotl.runtime.atomic_files import write_atomically
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.data_sets import slug
from autotl_ui.workspace.workspace import Workspace

SUFFIXES = ("csv", "tsv", "parquet", "jsonl", "ndjson")
FOLDER = "uploaded"


@dataclass(frozen=True)
class SentTable:
    """A table that was uploaded. text: the column of the texts, empty for the one that is recognised."""

    name: str
    content: bytes
    text: str = ""

    @property
    def options(self) -> list[str]:
        """The options that tell a command how to read it."""
        return ["--text", self.text] if self.text else []


def ask_for_table() -> SentTable | None:
    """Draw a place to upload a table, and its columns; None if there is none yet, or it cannot be read."""
    sent = st.file_uploader("A table with a column of texts", SUFFIXES, key="text-table")
    if sent is None:
        return None
    content = sent.getvalue()
    try:
        columns = _columns(PurePath(sent.name).suffix.lower(), content)
    except (AutoTLError, OSError, ValueError) as error:
        st.error(plain(f"The table cannot be read: {error}"))
        return None
    text = st.selectbox(
        "The column that holds the texts", columns, index=None, key="text-table-column", placeholder="Recognised"
    )
    return SentTable(sent.name, content, str(text or ""))


def keep_table(workspace: Workspace, table: SentTable) -> Path:
    """Write an uploaded table into the workspace; returns its path, which is named by the content."""
    digest = hashlib.sha256(table.content).hexdigest()[:16]
    name = PurePath(table.name)
    file = workspace.root / "autotl-predictions" / FOLDER / digest / f"{slug(name.stem)}{name.suffix.lower()}"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, table.content)
    return file


@st.cache_data(max_entries=8, ttl=3600, show_spinner=False)
def _columns(suffix: str, content: bytes) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"table{suffix}"
        file.write_bytes(content)
        return list(column_names(file))
