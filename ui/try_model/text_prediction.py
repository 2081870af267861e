"""One text and its prediction."""

from __future__ import annotations

import tempfile
from pathlib import Path

from autotl_ui.try_model.item_prediction import Predictions, failed
from autotl_ui.try_model.predicting import predict_item
from autotl_ui.workspace.deployables import OpenModel, open_model


def predict_text(folder: Path, name: str, content: bytes) -> Predictions:
    """Classify the content of a text file with the model of a deployable. name: says what kind of file it is."""
    model = open_model(folder)
    if model is None:
        return failed("the model cannot be opened")
    text, problem = _read(model, Path(name).suffix, content)
    return failed(problem) if problem else predict_item(folder, text)


def read_text(folder: Path, name: str, content: bytes) -> str:
    """The text as the model reads it, empty if it cannot."""
    model = open_model(folder)
    return _read(model, Path(name).suffix, content)[0] if model else ""


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
