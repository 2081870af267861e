"""A deployable as a model to try, kept open between clicks."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from autotl.deploy.predictor import Predictor


def open_model(folder: Path) -> Predictor | None:
    """The model of a deployable, kept open while it is the latest; None where it cannot be opened."""
    try:
        return _open(str(folder), (folder / "model.onnx").stat().st_mtime_ns)
    except Exception:  # onnxruntime's errors share no base; in any case the folder holds no usable model
        return None


@st.cache_resource(max_entries=2, show_spinner="Opening the model")
def _open(folder: str, written: int) -> Predictor:  # noqa: ARG001, part of the cache's key
    return Predictor(folder)
