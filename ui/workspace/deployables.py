"""A deployable as a model to try, kept open between clicks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import streamlit as st

from autotl.deploy.answers import ClassAnswers
from autotl.deploy.model_facts import read_targets
from autotl.deploy.predictor import Predictor
from autotl.deploy.targets_predictor import Predictor as JointPredictor

OpenModel: TypeAlias = Predictor | JointPredictor
"""A model of one target, or of several."""


def open_model(folder: Path) -> OpenModel | None:
    """The model of a deployable, kept open while it is the latest; None if it cannot be opened."""
    try:
        return _open(str(folder), (folder / "model.onnx").stat().st_mtime_ns)
    except Exception:  # onnxruntime's errors share no base; in any case the folder holds no usable model
        return None


def answers_of(model: OpenModel) -> Mapping[str, ClassAnswers]:
    """What a model says of each target, by name; under "" for a model of one."""
    return {"": model.answers} if isinstance(model, Predictor) else model.answers


def has_doubts(model: OpenModel) -> bool:
    """Whether a model can say that it does not know, of one of its targets at least."""
    return bool(model.doubts) if isinstance(model, Predictor) else any(model.doubts.values())


@st.cache_resource(max_entries=2, show_spinner="Opening the model")
def _open(folder: str, written: int) -> OpenModel:  # noqa: ARG001, part of the cache's key
    return JointPredictor(folder) if read_targets(Path(folder)) else Predictor(folder)
