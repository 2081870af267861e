"""A small encoder with two maps and a vector, as a graph written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

WIDTHS = {"low-avg": 6, "low-max": 6, "high-avg": 8, "high-max": 8, "embedding-vector": 5}
"""Of the pooled outputs."""


def small_graph(height: int, width: int, *, seed: int = 0, kernel: int = 3) -> ModelProto:
    """`images` uint8 (n, height, width, 3) to `low`, `high` and `embedding`."""
    rng = np.random.default_rng(seed)
    constants: dict[str, Any] = {
        "scale": np.float32(1 / 255),
        "first": rng.normal(0, 0.3, (6, 3, kernel, kernel)).astype(np.float32),
        "second": rng.normal(0, 0.3, (8, 6, 3, 3)).astype(np.float32),
        "third": rng.normal(0, 0.3, (8, 5)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["pixels", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["channels-first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["channels-first", "first"], ["c1"], strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Transpose", ["r1"], ["low"], perm=[0, 2, 3, 1]),
        helper.make_node("Conv", ["r1", "second"], ["c2"], strides=[2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("Transpose", ["r2"], ["high"], perm=[0, 2, 3, 1]),
        helper.make_node("GlobalAveragePool", ["r2"], ["g"]),
        helper.make_node("Flatten", ["g"], ["flat"]),
        helper.make_node("MatMul", ["flat", "third"], ["embedding"]),
    ]
    shapes = {"low": ["n", None, None, 6], "high": ["n", None, None, 8], "embedding": ["n", 5]}
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", height, width, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
