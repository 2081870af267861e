"""Finds where a classifier's graph pools its feature maps: the boundary between its network and its head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from autotl.graphs.surgery import as_model

_GLOBAL = {"GlobalAveragePool": "avg", "GlobalMaxPool": "max"}
_REDUCTIONS = {"ReduceMean": "avg", "ReduceMax": "max"}


@dataclass(frozen=True)
class PooledStage:
    """A tensor that pools a feature map over its positions.

    tensor: the result, (n, channels) or with further axes of length 1. source: the feature map, a tensor with four
    axes. pooling: "avg" or "max".
    """

    tensor: str
    source: str
    pooling: str
    channels: int
    height: int
    width: int
    channels_first: bool


def pooled_stages(model: onnx.ModelProto, output: str = "probabilities") -> tuple[PooledStage, ...]:
    """The poolings nearest to an output, if the output depends on the inputs only through them; otherwise empty.

    Poolings in squeeze-and-excitation blocks lie deeper in the network and are not included.
    """
    makers = {name: node for node in model.graph.node for name in node.output if name}
    constants = constants_of(model)
    shapes = shapes_of(model)
    found: dict[str, PooledStage] = {}
    seen, pending = {output}, [output]
    while pending:
        name = pending.pop()
        node = makers.get(name)
        if node is None:
            if name in constants:
                continue
            return ()
        pooled = _pooled(node, shapes, constants)
        if pooled:
            found[name] = pooled
            continue
        fresh = [one for one in node.input if one and one not in seen]
        seen.update(fresh)
        pending += fresh
    return tuple(found[name] for name in _in_order(model, found))


def constants_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The initializers of a graph and the values of its Constant nodes, by name."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            value = next(iter(values.values()))
            array = numpy_helper.to_array(value) if "value" in values else np.asarray(value)
            found[node.output[0]] = array
    return found


def attributes_of(node: onnx.NodeProto) -> dict[str, object]:
    """The attributes of a node, by name."""
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def shapes_of(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """The known shapes of tensors, by name; 0 for an axis of unknown length."""
    graph = model.graph
    # Shape inference needs only the shapes of large weights, and copies the whole model.
    small = [tensor for tensor in graph.initializer if np.prod(tensor.dims) <= 64]
    large = [
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        for tensor in graph.initializer
        if np.prod(tensor.dims) > 64
    ]
    light = helper.make_graph(graph.node, graph.name, [*graph.input, *large], [], small)
    inferred = onnx.shape_inference.infer_shapes(
        helper.make_model(light, opset_imports=model.opset_import, ir_version=model.ir_version)
    )
    values = (*inferred.graph.value_info, *graph.input, *graph.output)
    return {
        value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in values
        if value.type.tensor_type.HasField("shape")
    }


def head_of(model: onnx.ModelProto, inputs: Sequence[str], output: str) -> onnx.ModelProto:
    """The part of a graph between some float32 tensors and an output, as a separate graph."""
    makers = {name: node for node in model.graph.node for name in node.output if name}
    needed: set[str] = set()
    pending = [output]
    while pending:
        name = pending.pop()
        if name in needed:
            continue
        needed.add(name)
        if name in makers and name not in inputs:
            pending += [one for one in makers[name].input if one]
    shapes = shapes_of(model)

    def info(name: str) -> onnx.ValueInfoProto:
        known = shapes.get(name, ())
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", *[d or None for d in known[1:]]])

    graph = helper.make_graph(
        [n for n in model.graph.node if needed.intersection(n.output) and not set(inputs).intersection(n.output)],
        "head",
        [info(name) for name in inputs],
        [info(output)],
        [tensor for tensor in model.graph.initializer if tensor.name in needed],
    )
    return as_model(graph, model.opset_import, model.ir_version, model)


def with_outputs(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """A copy of a graph with these float32 tensors as further outputs."""
    shapes, copy = shapes_of(model), onnx.ModelProto()
    copy.CopyFrom(model)
    have = {value.name for value in copy.graph.output}
    for name in dict.fromkeys(names):
        if name not in have:
            dims = ["n", *[d or None for d in shapes[name][1:]]]
            copy.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims))
    return copy


def _pooled(
    node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]], constants: Mapping[str, np.ndarray]
) -> PooledStage | None:
    """The stage that a node pools; None if it does not pool, or if the size is unknown."""
    shape = shapes.get(node.input[0], ()) if node.input else ()
    if len(shape) != 4:
        return None
    if node.op_type in _GLOBAL:
        pooling, first = _GLOBAL[node.op_type], True
    elif node.op_type in _REDUCTIONS:
        given = attributes_of(node).get("axes")
        if given is None and len(node.input) > 1:
            given = constants.get(node.input[1], np.array([])).tolist()
        axes = sorted(int(axis) % 4 for axis in given or ())  # type: ignore[attr-defined]
        if axes not in ([1, 2], [2, 3]):
            return None
        pooling, first = _REDUCTIONS[node.op_type], axes == [2, 3]
    else:
        return None
    channels, height, width = shape[1:] if first else (shape[3], *shape[1:3])
    if not (channels and height and width):
        return None
    return PooledStage(node.output[0], node.input[0], pooling, channels, height, width, first)


def _in_order(model: onnx.ModelProto, names: Mapping[str, PooledStage]) -> Iterator[str]:
    for node in model.graph.node:
        yield from (name for name in node.output if name in names)
