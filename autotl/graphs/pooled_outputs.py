"""Pools the outputs of an encoder's graph: maps by mean and maximum over positions, vectors as they are."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from autotl.graphs.quiet_session import open_session
from autotl.graphs.surgery import add_prefix, as_model, join

IMAGES = "images"
_INSIDE = "encoder/"
_N_IMAGES = 2
_TOLERANCE = 1e-3
"""Of the largest number in an output, between an image computed alone and among others."""
_OPSET, _IR_VERSION = 17, 8


def pool_outputs(model: onnx.ModelProto, size: tuple[int, int]) -> tuple[onnx.ModelProto, dict[str, int]]:
    """A graph with two outputs, `STAGE-avg` and `STAGE-max`, per map and one, `STAGE-vector`, per vector.

    model: one input `images`, uint8 (n, height, width, 3); outputs float32 (n, h, w, channels) or (n, n_features).
    Returns the graph and the width of each output by name. Raises ValueError if the model is none of this, cannot be
    computed, or gives an image other numbers each time, or among other images.
    """
    shapes = _shapes(model, size)
    nodes, widths, wires = [], {}, {}
    for stage, shape in shapes.items():
        wires[_INSIDE + stage] = f"from/{stage}"
        if len(shape) == 2:
            widths[f"{stage}-vector"] = shape[1]
            nodes.append(helper.make_node("Identity", [f"from/{stage}"], [f"{stage}-vector"]))
            continue
        for pooling, op in (("avg", "GlobalAveragePool"), ("max", "GlobalMaxPool")):
            name = f"{stage}-{pooling}"
            widths[name] = shape[3]
            first = f"{name}/channels-first"
            nodes += [
                helper.make_node("Transpose", [f"from/{stage}"], [first], perm=[0, 3, 1, 2]),
                helper.make_node(op, [first], [f"{name}/pooled"]),
                helper.make_node("Flatten", [f"{name}/pooled"], [name], axis=1),
            ]
    inputs = [_info(f"from/{stage}", shape) for stage, shape in shapes.items()]
    outputs = [_info(name, (0, width)) for name, width in widths.items()]
    graph = helper.make_graph(nodes, "pooling", inputs, outputs)
    encoder = onnx.ModelProto()
    encoder.CopyFrom(model)
    # A head, or the deployable, may call its own tensors as an author has called those of the encoder.
    add_prefix(encoder.graph, _INSIDE, keep={IMAGES})
    return join(encoder, as_model(graph, [helper.make_opsetid("", _OPSET)], _IR_VERSION), wires), widths


def _info(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape[1:]])


def _shapes(model: onnx.ModelProto, size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """The shape of each output, found by computing two images, which no description of a graph is as sure as."""
    inputs = [value.name for value in model.graph.input]
    if inputs != [IMAGES]:
        raise ValueError(f"its graph has the inputs {inputs}; expected one, {IMAGES!r}")
    names = [value.name for value in model.graph.output]
    try:
        session = open_session(model)
        pixels = np.random.default_rng(0).integers(0, 256, (_N_IMAGES, *size, 3), np.uint8)
        found = session.run(names, {IMAGES: pixels})
        alone = session.run(names, {IMAGES: pixels[:1]})
        again = session.run(names, {IMAGES: pixels[:1]})
    except Exception as error:  # ONNX Runtime raises its own kinds
        raise ValueError(f"its graph cannot be computed: {error}") from error
    for name, array in zip(names, found, strict=True):
        if array.ndim not in (2, 4) or array.shape[0] != _N_IMAGES or array.dtype != np.float32:
            raise ValueError(
                f"its output {name!r} is {array.dtype} {array.shape} for {_N_IMAGES} images; expected float32 "
                "(n, h, w, channels) or (n, n_features)"
            )
    if not found:
        raise ValueError("its graph has no output")
    for name, *arrays in zip(names, found, alone, again, strict=True):
        _require_of_the_image(name, *arrays)
    return {name: array.shape for name, array in zip(names, found, strict=True)}


def _require_of_the_image(name: str, among: np.ndarray, alone: np.ndarray, again: np.ndarray) -> None:
    """Raise ValueError if an output depends on more than the image."""
    expected = "expected numbers that depend on the image only"
    if not _close(alone, again):
        raise ValueError(f"its output {name!r} is another each time it is computed; {expected}")
    if not _close(alone, among[:1]):
        raise ValueError(f"its output {name!r} is another for an image alone than among others; {expected}")


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    limit = _TOLERANCE * float(np.abs(one, where=np.isfinite(one), out=np.zeros_like(one)).max(initial=0.0))
    return one.shape == other.shape and np.allclose(one, other, rtol=0, atol=limit, equal_nan=True)
