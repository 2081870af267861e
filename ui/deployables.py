"""A deployable as one file to take away, and as a model to try."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import streamlit as st

from autotl.predictor import Predictor


def zipped(folder: Path, name: str) -> bytes:
    """The folder as a zip whose only top-level folder is `name`."""
    packed = io.BytesIO()
    # Weights do not shrink: packing them without compression is as small and much quicker.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path(name) / path.relative_to(folder))
    return packed.getvalue()


def open_model(folder: Path) -> Predictor | None:
    """The model of a deployable, kept open while it is the latest; None where it cannot be opened."""
    try:
        return _open(str(folder), (folder / "model.onnx").stat().st_mtime_ns)
    except Exception:  # onnxruntime's errors share no base; whatever it is, the folder holds no usable model
        return None


@st.cache_resource(max_entries=2, show_spinner="Opening the model")
def _open(folder: str, written: int) -> Predictor:  # noqa: ARG001, a model written anew is another one
    return Predictor(folder)
