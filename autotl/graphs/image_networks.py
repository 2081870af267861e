"""Wraps an ONNX network as the graph of an encoder: RGB images in uint8 in, float32 features per stage out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autotl.graphs.cut_points import data_flow
from autotl.graphs.image_inputs import ImageInput, Pixels
from autotl.graphs.image_outputs import Stage
from autotl.graphs.network_files import part_for, tensor_value
from autotl.graphs.pooled_outputs import IMAGES
from autotl.graphs.surgery import NEWEST_IR_VERSION, add_prefix, as_model

_INSIDE = "network/"
GREY = np.array([[19595], [38470], [7471]], np.float32) / np.float32(65536)
"""Red, green and blue in a grey level: Pillow's, to the last bit."""
BATCH = "batch"


@dataclass(frozen=True)
class Reading:
    """How a network is read.

    sizes: (height, width) that it takes, the first is the default. one_by_one: its graph takes one image only, so that
    a loop goes over the batch. shapes: of each stage at the first size, for one image, without the batch.
    """

    images: ImageInput
    pixels: Pixels
    stages: tuple[Stage, ...]
    sizes: tuple[tuple[int, int], ...]
    one_by_one: bool = False
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and sequences."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Reading:
        """Read what `to_json` returned."""
        pixels = document["pixels"]
        return cls(
            images=ImageInput(**document["images"]),
            pixels=Pixels(**{**pixels, "mean": tuple(pixels["mean"]), "std": tuple(pixels["std"])}),
            stages=tuple(Stage(**{**stage, "patch": tuple(stage["patch"])}) for stage in document["stages"]),
            sizes=tuple((height, width) for height, width in document["sizes"]),
            one_by_one=document["one_by_one"],
            shapes={name: tuple(shape) for name, shape in document["shapes"].items()},
            notes=tuple(document["notes"]),
        )


def with_free_batch(model: onnx.ModelProto, images: ImageInput) -> onnx.ModelProto:
    """A copy whose batch axis is free; a Reshape to the fixed batch takes the batch of its input instead."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _set_shape(copy, images, BATCH)
    if images.batch is None:
        return copy
    flow = data_flow(copy, images.name)
    for number, node in enumerate(flow.nodes):
        if node.op_type != "Reshape" or any(a.name == "allowzero" and a.i for a in node.attribute):
            continue
        shape = tensor_value(copy, node.input[1])
        if shape is not None and shape.size > 1 and shape.reshape(-1)[0] == images.batch:
            name = f"{images.name}/shape_{number}"
            copy.graph.initializer.append(
                numpy_helper.from_array(np.array([0, *shape.reshape(-1)[1:]], np.int64), name)
            )
            node.input[1] = name
    return copy


def _set_shape(model: onnx.ModelProto, images: ImageInput, batch: int | str) -> None:
    """Set the batch axis of the input in place, and remove the shapes that were inferred from it."""
    for value in model.graph.input:
        if value.name == images.name:
            axes = images.shape(batch, images.height or "height", images.width or "width")
            value.CopyFrom(helper.make_tensor_value_info(images.name, images.element, axes))
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")


def encoder_graph(model: onnx.ModelProto, reading: Reading, height: int | str, width: int | str) -> onnx.ModelProto:
    """The graph of an encoder at a size; names of axes in place of numbers leave the size free.

    model: as `load_network` returns it.
    """
    network = model if reading.one_by_one else with_free_batch(model, reading.images)
    outputs = list(dict.fromkeys(stage.tensor for stage in reading.stages))
    network = part_for(network, outputs)
    add_prefix(network.graph, _INSIDE, keep=set())
    writer = _Nodes()
    writer.constants += network.graph.initializer
    source = "image/batched" if reading.one_by_one else IMAGES
    if reading.one_by_one:
        writer.add("Reshape", ["image", writer.constant("image/shape", [1, height, width, 3])], source)
    _prepare(writer, source, reading.images, reading.pixels)
    writer.nodes += network.graph.node
    for stage in reading.stages:
        _read_out(writer, stage, height, width, alone=reading)
    if reading.one_by_one:
        return _looped(writer, reading, network, height, width)
    inputs = [helper.make_tensor_value_info(IMAGES, TensorProto.UINT8, [BATCH, height, width, 3])]
    values = [_output_info(stage.name, reading, f"{stage.name}_axis") for stage in reading.stages]
    graph = helper.make_graph(writer.nodes, "encoder", inputs, values, writer.constants)
    graph.sparse_initializer.extend(network.graph.sparse_initializer)
    return as_model(graph, model.opset_import, min(max(model.ir_version, 8), NEWEST_IR_VERSION))


class _Nodes:
    """Collects the nodes and constants of a graph."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: Any, kind: type[np.generic] = np.int64) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name


def _prepare(writer: _Nodes, source: str, images: ImageInput, pixels: Pixels) -> None:
    """Convert uint8 images (n, height, width, 3) to what the network takes as input."""
    x, target = source, _INSIDE + images.name
    is_float = False
    if images.channels == 1:
        x = writer.add("Cast", [x], "pixels/rgb", to=TensorProto.FLOAT)
        x = writer.add("MatMul", [x, writer.constant("pixels/weights", GREY, np.float32)], "pixels/grey_exact")
        x = writer.add("Add", [x, writer.constant("pixels/half", 0.5, np.float32)], "pixels/grey_half")
        x = writer.add("Floor", [x], "pixels/grey")
        is_float = True
    elif pixels.channels == "BGR":
        x = writer.add("Gather", [x, writer.constant("pixels/order", [2, 1, 0])], "pixels/bgr", axis=3)
    half = images.element == TensorProto.FLOAT16
    first = images.channels_first and not half
    if first:
        x = writer.add("Transpose", [x], "pixels/channels_first", perm=[0, 3, 1, 2])
    if not pixels.unchanged:
        x = x if is_float else writer.add("Cast", [x], "pixels/float", to=TensorProto.FLOAT)
        shape = (-1, 1, 1) if first else (-1,)
        middle = (np.array(pixels.mean, np.float64) / pixels.scale).reshape(shape)
        scale = (pixels.scale / np.array(pixels.std, np.float64)).reshape(shape)
        # In this order single precision comes nearer to what double precision gives.
        if np.any(middle):
            x = writer.add("Sub", [x, writer.constant("pixels/mean", middle, np.float32)], "pixels/centred")
        x = writer.add("Mul", [x, writer.constant("pixels/scale", scale, np.float32)], "pixels/scaled")
    if half and images.channels_first:
        # ONNX Runtime removes a Cast to half precision next to its own Cast back, and with it the rounding.
        x = writer.add("Cast", [x], "pixels/half_precision", to=images.element)
        writer.add("Transpose", [x], target, perm=[0, 3, 1, 2])
    else:
        writer.add("Cast", [x], target, to=images.element)


def _read_out(writer: _Nodes, stage: Stage, height: int | str, width: int | str, *, alone: Reading) -> None:
    """Make a tensor of the network the float32 output of a stage, without the batch axis if images go one by one."""
    x = _INSIDE + stage.tensor
    if stage.kind == "vector":
        x = writer.add("Flatten", [x], f"{stage.name}/flat", axis=1)
    elif stage.kind == "map":
        if stage.layout == "first":
            x = writer.add("Transpose", [x], f"{stage.name}/channels_last", perm=[0, 2, 3, 1])
    else:
        if stage.batch_axis == 1:
            x = writer.add("Transpose", [x], f"{stage.name}/batch_first", perm=[1, 0, 2])
        if stage.kind == "class token":
            x = writer.add("Gather", [x, writer.constant(f"{stage.name}/index", 0)], f"{stage.name}/token", axis=1)
        else:
            x = _patches(writer, stage, x, height, width)
    if alone.one_by_one:
        shape = writer.constant(f"{stage.name}/shape", alone.shapes[stage.name])
        x = writer.add("Reshape", [x, shape], f"{stage.name}/alone")
    writer.add("Cast", [x], stage.name, to=TensorProto.FLOAT)


def _patches(writer: _Nodes, stage: Stage, x: str, height: int | str, width: int | str) -> str:
    """The tokens of the patches as a map, with a single column if the grid is not known."""
    if stage.prefix:
        ends = [
            writer.constant(f"{stage.name}/{name}", [value])
            for name, value in (("start", stage.prefix), ("end", np.iinfo(np.int64).max), ("axis", 1))
        ]
        x = writer.add("Slice", [x, *ends], f"{stage.name}/patches")
    if stage.patch[0] and isinstance(height, int) and isinstance(width, int):
        grid = [height // stage.patch[0], width // stage.patch[1]]
        shape = writer.constant(f"{stage.name}/grid", [0, *grid, -1])
    else:
        axes = writer.constant(f"{stage.name}/axes", [2])
        return writer.add("Unsqueeze", [x, axes], f"{stage.name}/map")
    return writer.add("Reshape", [x, shape], f"{stage.name}/map")


def _output_info(name: str, reading: Reading, axis: str) -> onnx.ValueInfoProto:
    """A map's height and width are left open: they follow the size."""
    shape = reading.shapes[name]
    axes: list[int | str] = [BATCH, *shape] if len(shape) == 1 else [BATCH, f"{axis}_h", f"{axis}_w", shape[-1]]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)


def _looped(
    writer: _Nodes, reading: Reading, network: onnx.ModelProto, height: int | str, width: int | str
) -> onnx.ModelProto:
    """A graph that processes a batch one image at a time."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [height, width, 3])
    names = [stage.name for stage in reading.stages]
    inner = [f"one/{name}" for name in names]
    for node in writer.nodes:
        node.output[:] = [f"one/{name}" if name in names else name for name in node.output]
    shapes = [reading.shapes[name] for name in names]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in zip(inner, shapes, strict=True)
    ]
    body = helper.make_graph(writer.nodes, "one_image", [image], values, writer.constants)
    body.sparse_initializer.extend(network.graph.sparse_initializer)
    scan = helper.make_node("Scan", [IMAGES], names, name="image_by_image", num_scan_inputs=1, body=body)
    inputs = [helper.make_tensor_value_info(IMAGES, TensorProto.UINT8, [BATCH, height, width, 3])]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *shape])
        for name, shape in zip(names, shapes, strict=True)
    ]
    graph = helper.make_graph([scan], "encoder", inputs, outputs)
    return as_model(graph, network.opset_import, min(max(network.ir_version, 8), NEWEST_IR_VERSION))
