"""The graph of an image network as one of clips: every frame is read, and what is read is pooled over the frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autotl.graphs.pooled_outputs import IMAGES
from autotl.graphs.surgery import add_prefix, as_model, join, prune

AVERAGE, MAXIMUM, TREND, CHANGE, EACH = "avg", "max", "trend", "change", "frames"
"""How the frames of a clip are pooled; see `FramePooling`. Only trend and change depend on the order of the frames."""
_INSIDE, _FRAMES = "frame/", "frames/images"
_OPSET, _IR_VERSION = 17, 8


@dataclass(frozen=True)
class FramePooling:
    """An output of the graph of clips.

    name: of the output. of: the output of the image network, vectors of this width, that is pooled over the frames.
    how: AVERAGE or MAXIMUM; TREND, the slope of the straight line through the frames, times their number; CHANGE, the
    mean absolute difference between successive frames; EACH, the vectors of all frames side by side.
    """

    name: str
    of: str
    how: str
    width: int


def clip_graph(
    model: onnx.ModelProto, poolings: Sequence[FramePooling], *, size: tuple[int, int], n_frames: int
) -> onnx.ModelProto:
    """A graph from `images`, uint8 (n, n_frames, height, width, 3), to what is pooled over the frames.

    model: from `images`, uint8 (n, height, width, 3), to vectors float32 (n, width).
    """
    inner = onnx.ModelProto()
    inner.CopyFrom(model)
    add_prefix(inner.graph, _INSIDE, keep=set())
    opsets = [helper.make_opsetid("", _OPSET)]
    frames = as_model(_frames_of_clips(size, n_frames), opsets, _IR_VERSION)
    pooling = as_model(_pooled_over_frames(poolings, n_frames), opsets, _IR_VERSION)
    outputs = sorted({one.of for one in poolings})
    whole = join(
        join(frames, inner, {_FRAMES: f"{_INSIDE}{IMAGES}"}), pooling,
        {f"{_INSIDE}{output}": f"of/{output}" for output in outputs},
    )  # fmt: skip
    return prune(whole, [one.name for one in poolings])


def _frames_of_clips(size: tuple[int, int], n_frames: int) -> onnx.GraphProto:
    """Every frame as an image."""
    clips = helper.make_tensor_value_info(IMAGES, TensorProto.UINT8, ["n", n_frames, *size, 3])
    images = helper.make_tensor_value_info(_FRAMES, TensorProto.UINT8, ["n_images", *size, 3])
    shape = numpy_helper.from_array(np.array([-1, *size, 3], np.int64), "frames/shape")
    node = helper.make_node("Reshape", [IMAGES, shape.name], [_FRAMES])
    return helper.make_graph([node], "clips", [clips], [images], [shape])


def _pooled_over_frames(poolings: Sequence[FramePooling], n_frames: int) -> onnx.GraphProto:
    nodes: list[onnx.NodeProto] = []
    constants = _constants(n_frames)
    widths = {one.of: one.width for one in poolings}
    for output, width in widths.items():
        constants[f"shape/{output}"] = np.array([-1, n_frames, width], np.int64)
        nodes.append(helper.make_node("Reshape", [f"of/{output}", f"shape/{output}"], [f"by_clip/{output}"]))
    for one in poolings:
        nodes += _POOLINGS[one.how](f"by_clip/{one.of}", one.name)
    return helper.make_graph(
        nodes, "frames", [_vectors(f"of/{output}", width) for output, width in widths.items()],
        [_vectors(one.name, one.width * (n_frames if one.how == EACH else 1)) for one in poolings],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )  # fmt: skip


def _constants(n_frames: int) -> dict[str, np.ndarray]:
    steps = np.arange(n_frames) - (n_frames - 1) / 2
    slope = steps / max(float((steps**2).sum()), 1.0) * n_frames
    return {
        "slope": slope.astype(np.float32).reshape(1, -1, 1), "axis": np.array([1], np.int64),
        "first": np.array([0], np.int64), "second": np.array([1], np.int64),
        "last": np.array([-1], np.int64), "end": np.array([n_frames], np.int64),
    }  # fmt: skip


def _vectors(name: str, width: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])


def _average(x: str, name: str) -> list[onnx.NodeProto]:
    return [helper.make_node("ReduceMean", [x], [name], axes=[1], keepdims=0)]


def _maximum(x: str, name: str) -> list[onnx.NodeProto]:
    return [helper.make_node("ReduceMax", [x], [name], axes=[1], keepdims=0)]


def _trend(x: str, name: str) -> list[onnx.NodeProto]:
    weighed = f"{name}/weighed"
    return [
        helper.make_node("Mul", [x, "slope"], [weighed]),
        helper.make_node("ReduceSum", [weighed, "axis"], [name], keepdims=0),
    ]


def _change(x: str, name: str) -> list[onnx.NodeProto]:
    before, after = f"{name}/before", f"{name}/after"
    return [
        helper.make_node("Slice", [x, "first", "last", "axis"], [before]),
        helper.make_node("Slice", [x, "second", "end", "axis"], [after]),
        helper.make_node("Sub", [after, before], [f"{name}/step"]),
        helper.make_node("Abs", [f"{name}/step"], [f"{name}/size"]),
        *_average(f"{name}/size", name),
    ]


def _each(x: str, name: str) -> list[onnx.NodeProto]:
    return [helper.make_node("Flatten", [x], [name], axis=1)]


_POOLINGS: Mapping[str, Callable[[str, str], list[onnx.NodeProto]]] = {
    AVERAGE: _average, MAXIMUM: _maximum, TREND: _trend, CHANGE: _change, EACH: _each
}  # fmt: skip
