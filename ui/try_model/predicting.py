"""The prediction of one item, kept while the model stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import streamlit as st

from autotl_ui.try_model.item_prediction import Predictions, failed, read_predictions
from autotl_ui.workspace.deployables import open_model

Given: TypeAlias = bytes | str | tuple[bytes, str]
"""An item as its model takes it: the content of a file, a text, or an image with its text."""


def predict_item(folder: Path, given: Given) -> Predictions:
    """Classify an item with the model of a deployable."""
    try:
        return _predict(str(folder), (folder / "model.onnx").stat().st_mtime_ns, given)
    except Exception:  # onnxruntime's errors share no base
        return failed("the model failed on it; its folder may be damaged")


# The item is hashed for the key and not kept; an entry is a few numbers.
@st.cache_data(max_entries=256, ttl=3600, show_spinner=False)
def _predict(folder: str, written: int, given: Given) -> Predictions:  # noqa: ARG001, part of the cache's key
    model = open_model(Path(folder))
    if model is None:
        return failed("the model cannot be opened")
    [found] = model.predict([given])
    return read_predictions(found)
