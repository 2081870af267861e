"""The images that somebody drops on the Try page, or takes with the camera."""

from __future__ import annotations

import hashlib
from functools import partial

import streamlit as st

from autotl_ui.try_model import similar_images
from autotl_ui.try_model.image_prediction import predict_image, preview
from autotl_ui.try_model.item_prediction import Predictions
from autotl_ui.try_model.tried_item import TriedItem
from autotl_ui.workspace.runs import RunView

SUFFIXES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif", "heic", "heif")
N_IMAGES = 24
THUMBNAIL_PIXELS = 320


def ask_for_images() -> list[TriedItem]:
    """What was dropped and what the camera took."""
    files = st.file_uploader("Images", SUFFIXES, accept_multiple_files=True, key="images")
    # The browser asks for permission as soon as the camera is drawn, so it is drawn only on demand.
    photo = st.camera_input("Camera", key="photo") if st.toggle("Use the camera", key="camera") else None
    if len(files) > N_IMAGES:
        st.warning(f"Only the first {N_IMAGES} are shown. For more, put them into a folder and classify it below.")
    found = [(file.name, file.getvalue()) for file in files[:N_IMAGES]]
    return [_tried(*one) for one in ([("From the camera", photo.getvalue()), *found] if photo else found)]


def _tried(name: str, content: bytes) -> TriedItem:
    def predict(run: RunView) -> Predictions:
        return predict_image(run.champion, content)

    def show_reasons(run: RunView, key: str) -> None:
        similar_images.show(run, content, key=key)

    key = hashlib.sha256(content).hexdigest()[:8]
    return TriedItem(name, key, predict, partial(_show, name, content), show_reasons)


def _show(name: str, content: bytes) -> None:
    small = preview(content, THUMBNAIL_PIXELS)
    if small:
        st.image(small, width=160, alt=name)
    else:
        st.caption("no preview")
