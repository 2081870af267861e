"""The drop zone of the data page: folders, archives and files from the browser's machine, with their folders' names."""

from __future__ import annotations

from functools import partial

import streamlit as st

from autotl_ui.uploads.route import upload_address
from autotl_ui.widgets.components import component
from autotl_ui.workspace.workspace import Workspace

ARRIVED = "data-arrived"
"""In the session: the name of the dataset that is to be shown next."""
_LEAD = "Drop a folder of images or texts here"
_HINT = (
    "One sub-folder per class, such as photos/cats and photos/dogs. A zip of it works as well, and so does a table "
    "(CSV, TSV, Parquet, JSON lines) of labels with its images, or with a column of texts. Everything stays on the "
    "machine that runs this app."
)
_mount = component("dropzone")


def drop_zone(workspace: Workspace, *, key: str) -> None:
    """Draw the zone; the name of the dataset that is made of an upload is noted for the page's next run."""
    _mount(
        data={
            "address": upload_address(workspace),
            "lead": _LEAD,
            "hint": _HINT,
        },
        key=key,
        on_settled_change=partial(_note_arrival, key),
        on_cancelled_change=_nothing,
    )  # fmt: skip


def _note_arrival(key: str) -> None:
    # A callback, for a run of the page may be broken off by the next before it comes to the zone.
    if name := st.session_state[key]["settled"]:
        st.session_state[ARRIVED] = str(name)


def _nothing() -> None:
    """A component reports its state only where there is a callback for its changes."""
