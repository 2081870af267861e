"""One text and its prediction."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from autotl_ui.try_model.item_prediction import Predictions, failed, read_predictions
from autotl_ui.workspace.deployables import OpenModel, open_model


def predict_text(folder: Path, name: str, content: bytes) -> Predictions:
    """Classify the content of a text file with the model of a deployable. name: says what kind of file it is."""
    try:
        return _predict(str(folder), (folder / "model.onnx").stat().st_mtime_ns, Path(name).suffix, content)
    except Exception:  # onnxruntime's errors share no base
        return failed("the model failed on it; its folder may be damaged")


def read_text(folder: Path, name: str, content: bytes) -> str:
    """The text as the model reads it, empty if it cannot."""
    model = open_model(folder)
    return _read(model, Path(name).suffix, content)[0] if model else ""


@st.cache_data(max_entries=256, ttl=3600, show_spinner=False)
def _predict(folder: str, written: int, suffix: str, content: bytes) -> Predictions:  # noqa: ARG001, the cache's key
    model = open_model(Path(folder))
    if model is None:
        return failed("the model cannot be opened")
    text, problem = _read(model, suffix, content)
    if problem:
        return failed(problem)
    [found] = model.predict([text])
    return read_predictions(found)


def _read(model: OpenModel, suffix: str, content: bytes) -> tuple[str, str]:
    """The text, and why it cannot be read."""
    reader = model.reader
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"text{suffix or '.txt'}"
        file.write_bytes(content)
        try:
            return reader.read(reader.at(file.name, str(file))), ""
        except reader.unreadable as error:
            return "", str(error)
