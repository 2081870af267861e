"""How a model's evidence maps are made, as stored in the metadata of its ONNX graph."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

EXACT, GRADIENT, OCCLUSION = "exact", "gradient", "occlusion"
"""How a map is made: by decomposing the logits, to first order, or by covering parts of the image."""
PROPERTY = "autotl.map"
"""The key of the graph's metadata; its value holds what `map_facts` returns, and the average features."""


def map_facts(model: onnx.ModelProto) -> dict[str, object]:
    """How the model's maps are made, for "map" in metadata.json; empty if this is not known.

    For exact maps it holds grid (height and width of a map) and offset (one number per class): the sum of a map plus
    the difference of the two classes' offsets equals the difference of their logits.
    """
    known = kept_facts(model)
    return {name: value for name, value in known.items() if name != "average"}


def kept_facts(model: onnx.ModelProto) -> dict[str, Any]:
    """Everything that the graph's metadata hold about its maps."""
    found = [entry.value for entry in model.metadata_props if entry.key == PROPERTY]
    facts: dict[str, Any] = json.loads(found[-1]) if found else {}
    return facts


def average_features(facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The features of an average image, by the stage's tensor, float32 (channels,)."""
    packed = facts.get("average", {})
    return {name: np.frombuffer(base64.b64decode(text), np.float32) for name, text in packed.items()}


def noted(model: onnx.ModelProto, facts: Mapping[str, object]) -> onnx.ModelProto:
    """A copy of a graph with these facts in its metadata."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kept = [entry for entry in copy.metadata_props if entry.key != PROPERTY]
    del copy.metadata_props[:]
    copy.metadata_props.extend([*kept, onnx.StringStringEntryProto(key=PROPERTY, value=json.dumps(facts))])
    return copy


def packed(row: np.ndarray) -> str:
    """A row of numbers as base64-encoded float32."""
    return base64.b64encode(row.astype(np.float32).tobytes()).decode()
