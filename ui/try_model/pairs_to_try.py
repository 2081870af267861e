"""The image and the text that somebody puts together on the Try page."""

from __future__ import annotations

import hashlib
from functools import partial

import streamlit as st

from autotl_ui.try_model import word_reasons
from autotl_ui.try_model.image_prediction import preview, risk_of
from autotl_ui.try_model.images_to_try import SUFFIXES, THUMBNAIL_PIXELS
from autotl_ui.try_model.item_prediction import Predictions, failed
from autotl_ui.try_model.predicting import predict_item
from autotl_ui.try_model.texts_to_try import MOST_LETTERS
from autotl_ui.try_model.tried_item import TriedItem
from autotl_ui.workspace.runs import RunView


def ask_for_pairs() -> list[TriedItem]:
    """An image with its text; none until there are both."""
    with st.form("try-pair", border=False):
        image = st.file_uploader("An image", SUFFIXES, key="pair-image")
        text = st.text_area("Its text", key="pair-text", height=140, max_chars=MOST_LETTERS)
        sent = st.form_submit_button("Classify", key="classify-pair", type="primary", icon=":material/play_arrow:")
    has_text = bool(text and text.strip())
    if image and has_text:
        return [_tried(image.name, image.getvalue(), text or "")]
    if sent:
        st.warning("Add the text, too." if image else "Add the image, too." if has_text else "Add an image and a text.")
    return []


def _tried(name: str, image: bytes, text: str) -> TriedItem:
    def predict(run: RunView) -> Predictions:
        if risk := risk_of(image):
            return failed(f"its image: {risk}")
        return predict_item(run.champion, (image, text))

    def show_reasons(run: RunView, key: str) -> None:
        word_reasons.show(run, text, key=key, image=image)

    key = hashlib.sha256(image + b"\0" + text.encode("utf-8", "replace")).hexdigest()[:8]
    return TriedItem(name, key, predict, partial(_show, name, image, text), show_reasons)


def _show(name: str, image: bytes, text: str) -> None:
    small = preview(image, THUMBNAIL_PIXELS)
    if small:
        st.image(small, width=160, alt=name)
    st.text(text)
