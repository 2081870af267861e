"""The clips that somebody drops on the Try page."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import streamlit as st

from autotl.clips.clip_source import UnreadableClip
from autotl.clips.kind import CLIPS, FRAMES_SUFFIX
from autotl.clips.preview import frames_sheet
from autotl.clips.safe_decode import clip_risk
from autotl_ui.try_model.item_prediction import Predictions, failed, read_predictions
from autotl_ui.try_model.tried_item import TriedItem
from autotl_ui.workspace.deployables import open_model
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
        try:
            return _predict(str(run.champion), (run.champion / "model.onnx").stat().st_mtime_ns, content)
        except Exception:  # onnxruntime's errors share no base
            return failed("the model failed on it; its folder may be damaged")

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


@st.cache_data(max_entries=256, ttl=3600, show_spinner="Reading the clip …")
def _predict(folder: str, written: int, content: bytes) -> Predictions:  # noqa: ARG001, part of the cache's key
    model = open_model(Path(folder))
    if model is None:
        return failed("the model cannot be opened")
    [found] = model.predict([content])
    return read_predictions(found)
