"""What a model predicts for a single image that the reader brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from autotl.deploy.prediction_texts import NONE_BELOW
from autotl.images.decoder import UnreadableImage
from autotl.images.file_info import thumbnail
from autotl.images.safe_decode import decode_risk
from autotl_ui.workspace.deployables import open_model


@dataclass(frozen=True)
class ImagePrediction:
    """The predicted class with the probability of every class, or the reason why there is no prediction.

    classes: the plausible classes; unsure: whether the confidence is below the accept threshold; p_value: small if the
    image is like none of the classes. Each is None if the model does not offer it.
    """

    label: str = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    classes: tuple[str, ...] | None = None
    unsure: bool | None = None
    p_value: float | None = None

    @property
    def is_like_none(self) -> bool:
        """Whether the image is like none of the classes."""
        return self.p_value is not None and self.p_value <= NONE_BELOW

    @property
    def probability(self) -> float:
        """The probability of the predicted class."""
        return self.probabilities[self.label]


def predict_image(folder: Path, content: bytes) -> ImagePrediction:
    """Classify the content of an image file with the model of a deployable."""
    if risk := risk_of(content):
        return ImagePrediction(error=risk)
    try:
        return _predict(str(folder), (folder / "model.onnx").stat().st_mtime_ns, content)
    except Exception:  # onnxruntime's errors share no base
        return ImagePrediction(error="the model failed on it; its folder may be damaged")


def preview(content: bytes, edge: int) -> bytes | None:
    """A thumbnail as JPEG bytes; None where the content is not an image."""
    try:
        return None if risk_of(content) else thumbnail(content, edge)
    except UnreadableImage:
        return None


# The content is hashed for the key and not kept; an entry is a few numbers.
@st.cache_data(max_entries=256, ttl=3600, show_spinner=False)
def risk_of(content: bytes) -> str:
    """Why the content should not be decoded in this process, empty where it may be."""
    return decode_risk(content)


@st.cache_data(max_entries=256, ttl=3600, show_spinner=False)
def _predict(folder: str, written: int, content: bytes) -> ImagePrediction:  # noqa: ARG001, part of the cache's key
    model = open_model(Path(folder))
    if model is None:
        return ImagePrediction(error="the model cannot be opened")
    [found] = model.predict([content])
    classes = found.get("set")
    return ImagePrediction(
        found.get("label", ""), found.get("probabilities", {}), found.get("error", ""),
        None if classes is None else tuple(classes), found.get("unsure"), found.get("none_of_these"),
    )  # fmt: skip
