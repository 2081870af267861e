"""What a graph's own metadata say of the maps of its evidence."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

EXACT, GRADIENT, OCCLUSION = "exact", "gradient", "occlusion"
"""How a map is made: the logits taken apart; to first order; by covering parts of the image."""
PROPERTY = "autotl.map"
"""The key of the graph's own metadata that holds what `map_facts` gives, and more."""


def map_facts(model: onnx.ModelProto) -> dict[str, object]:
    """What metadata.json says under "map": how the model's maps are made; empty if nothing is known.

    For an exact map: grid, its height and width, and offset, a number for each class: the sum of a map plus the
    difference of the two classes' offsets is the difference of their logits.
    """
    known = kept_facts(model)
    return {name: value for name, value in known.items() if name != "average"}


def kept_facts(model: onnx.ModelProto) -> dict[str, Any]:
    """What the graph's own metadata say of its maps."""
    found = [entry.value for entry in model.metadata_props if entry.key == PROPERTY]
    facts: dict[str, Any] = json.loads(found[-1]) if found else {}
    return facts


def average_features(facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The features of an average image, by the stage's tensor, float32 (channels,)."""
    packed = facts.get("average", {})
    return {name: np.frombuffer(base64.b64decode(text), np.float32) for name, text in packed.items()}


def noted(model: onnx.ModelProto, facts: Mapping[str, object]) -> onnx.ModelProto:
    """A copy of a graph whose own metadata hold these facts."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kept = [entry for entry in copy.metadata_props if entry.key != PROPERTY]
    del copy.metadata_props[:]
    copy.metadata_props.extend([*kept, onnx.StringStringEntryProto(key=PROPERTY, value=json.dumps(facts))])
    return copy


def packed(row: np.ndarray) -> str:
    """A row of numbers as text, in base64 of float32."""
    return base64.b64encode(row.astype(np.float32).tobytes()).decode()
