"""A whole deployable that is written in no time: it knows its classes by the mean colour."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from autotl.deploy.deployable import write_deployable

CLASSES = ("cat", "dog")


def write_small_model(
    folder: Path, *, seed: int = 0, metadata: Mapping[str, Any] | None = None, classes: tuple[str, ...] = CLASSES
) -> Path:
    weights = np.random.default_rng(seed).normal(0, 0.02, (3, len(classes))).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    constants = {"weights": weights, "axes": np.array([1, 2], np.int64)}
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 16, 16, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(classes)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    photo = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(photo, "JPEG")
    write_deployable(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10),
        folder,
        classes=classes,
        size=(16, 16),
        replay=[("photo of a cat.jpg", photo.getvalue())],
        expected=None,
        metadata=metadata or {"fingerprint": "f00d"},
        card="# Card",
    )
    return folder
