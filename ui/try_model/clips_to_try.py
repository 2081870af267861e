"""The clips that somebody drops on the Try page."""

from __future__ import annotations

import hashlib
from functools import partial

import streamlit as st

from autotl.clips.clip_source import UnreadableClip
from autotl.clips.kind import CLIPS, FRAMES_SUFFIX
from autotl.clips.preview import frames_sheet
from autotl.clips.safe_decode import clip_risk
from autotl_ui.try_model.item_prediction import Predictions, failed
from autotl_ui.try_model.predicting import predict_item
from autotl_ui.try_model.tried_item import TriedItem
from autotl_ui.workspace.runs import RunView

SUFFIXES = tuple(sorted(suffix[1:] for suffix in CLIPS.suffixes - {FRAMES_SUFFIX}))
N_CLIPS = 12
SHEET_PIXELS = 320


def ask_for_clips() -> list[TriedItem]:
    """What was dropped."""
    files = st.file_uploader("Clips", SUFFIXES, accept_multiple_files=True, key="clips")
    if len(files) > N_CLIPS:
        st.warning(f"Only the first {N_CLIPS} are shown. For more, put them into a folder and classify it below.")
    return [_tried(file.name, file.getvalue()) for file in files[:N_CLIPS]]


def _tried(name: str, content: bytes) -> TriedItem:
    def predict(run: RunView) -> Predictions:
        if risk := _risk_of(content):
            return failed(risk)
        with st.spinner("Reading the clip …"):
            return predict_item(run.champion, content)

    key = hashlib.sha256(content).hexdigest()[:8]
    return TriedItem(name, key, predict, partial(_show, name, content), lambda _run, _key: None)


def _show(name: str, content: bytes) -> None:
    sheet = _sheet(content)
    if sheet:
        st.image(sheet, width=200, alt=f"Frames of {name}")
        st.caption("the first of the frames that are read, two between, and the last")
    else:
        st.caption("no preview")


# The content is hashed for the key and not kept.
@st.cache_data(max_entries=64, ttl=3600, show_spinner=False)
def _risk_of(content: bytes) -> str:
    return clip_risk(content)


@st.cache_data(max_entries=64, ttl=3600, show_spinner=False)
def _sheet(content: bytes) -> bytes | None:
    try:
        return None if _risk_of(content) else frames_sheet(content, SHEET_PIXELS)
    except UnreadableClip:
        return None
