"""What an item of a folder is: an image, or a clip."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from autotl.data.clip_folders import CLIP_FILES, FRAME_FOLDERS
from autotl.errors import AutoTLError
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.listings import list_data_set
from autotl_ui.workspace.workspace import Workspace

_RECOGNISED = ""
_CHOICES = {
    _RECOGNISED: "What the names of the files say",
    CLIP_FILES: "Each video, animated GIF or animated WebP is a clip",
    FRAME_FOLDERS: "Each folder of images is a clip, and the images are its frames",
}


def offer_item_choice(workspace: Workspace, data_set: DataSet) -> None:
    """Draw the list, behind a switch unless something was chosen."""
    chosen = data_set.image or _RECOGNISED
    if chosen == _RECOGNISED and not st.toggle("Moving images? Learn from clips", key=f"clips-{data_set.name}"):
        return
    key = f"items-{data_set.name}"
    st.selectbox(
        "What an item is", list(_CHOICES), key=key, format_func=_CHOICES.__getitem__,
        index=list(_CHOICES).index(chosen) if chosen in _CHOICES else 0, on_change=_keep,
        args=(workspace, data_set, key),
    )  # fmt: skip


def _keep(workspace: Workspace, data_set: DataSet, key: str) -> None:
    wanted = replace(data_set, image=st.session_state[key] or None)
    try:
        list_data_set(wanted)
    except AutoTLError as error:  # nothing could be shown of such data, nor this choice be taken back
        st.session_state["data-problem"] = str(error)
        return
    save_data_set(workspace, wanted)
