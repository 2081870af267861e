"""One image and its prediction."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl.images.decoder import UnreadableImage
from autotl.images.file_info import thumbnail
from autotl.images.safe_decode import decode_risk
from autotl_ui.try_model.item_prediction import Predictions, failed
from autotl_ui.try_model.predicting import predict_item


def predict_image(folder: Path, content: bytes) -> Predictions:
    """Classify the content of an image file with the model of a deployable."""
    if risk := risk_of(content):
        return failed(risk)
    return predict_item(folder, content)


def preview(content: bytes, edge: int) -> bytes | None:
    """A thumbnail as JPEG bytes; None if the content is not an image."""
    try:
        return None if risk_of(content) else thumbnail(content, edge)
    except UnreadableImage:
        return None


# The content is hashed for the key and not kept; an entry is a few numbers.
@st.cache_data(max_entries=256, ttl=3600, show_spinner=False)
def risk_of(content: bytes) -> str:
    """Why the content should not be decoded in this process, empty where it may be."""
    return decode_risk(content)
