"""The texts that somebody types, pastes or drops on the Try page."""

from __future__ import annotations

import hashlib
from functools import partial

import streamlit as st

from autotl_ui.try_model import word_reasons
from autotl_ui.try_model.item_prediction import Predictions
from autotl_ui.try_model.text_prediction import predict_text, read_text
from autotl_ui.try_model.tried_item import TriedItem
from autotl_ui.workspace.runs import RunView

SUFFIXES = ("txt", "text", "md", "markdown", "eml", "html", "htm")
N_TEXTS = 24
MOST_LETTERS = 200_000
TYPED = "Your text"
_ROOM_PIXELS, _ROOM_LETTERS = 180, 400


def ask_for_texts() -> list[TriedItem]:
    """What was typed, pasted and dropped."""
    with st.form("try-text", border=False):
        typed = st.text_area(
            "A text", key="typed", height=140, max_chars=MOST_LETTERS, placeholder="Type or paste a text here"
        )
        st.form_submit_button("Classify", key="classify-text", type="primary", icon=":material/play_arrow:")
    files = st.file_uploader("Or text files", SUFFIXES, accept_multiple_files=True, key="text-files")
    if len(files) > N_TEXTS:
        st.warning(
            f"Only the first {N_TEXTS} are shown. For more, put them into a folder or table and classify it below."
        )
    found = [_tried(file.name, file.getvalue()) for file in files[:N_TEXTS]]
    return [_tried(TYPED, typed.encode("utf-8", "replace")), *found] if typed and typed.strip() else found


def _tried(name: str, content: bytes) -> TriedItem:
    def predict(run: RunView) -> Predictions:
        return predict_text(run.champion, name, content)

    def show_reasons(run: RunView, key: str) -> None:
        word_reasons.show(run, read_text(run.champion, name, content), key=key)

    key = hashlib.sha256(content).hexdigest()[:8]
    return TriedItem(name, key, predict, partial(_show, content.decode("utf-8", "replace")), show_reasons)


def _show(text: str) -> None:
    with st.container(height=_ROOM_PIXELS if len(text) > _ROOM_LETTERS else "content", border=False):
        st.text(text)
