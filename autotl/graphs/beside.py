"""Adds a second ONNX graph to a first: both share tensors, and the second runs only when it is switched on."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Hashable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autotl.errors import ExportError
from autotl.graphs.surgery import as_model, same_versions


def beside(first: onnx.ModelProto, second: onnx.ModelProto, *, switch: str) -> onnx.ModelProto:
    """The first graph with the outputs of the second added.

    The inputs of the second graph are the tensors of the first with the same names, whether inputs or not. Nodes that
    compute the same in both, such as layers of a shared frozen network, are not repeated. switch: name of an optional
    bool input, true by default; if it is false, the new outputs have no rows and cost nothing. (ONNX Runtime computes
    all outputs of a graph, even those that are not requested, but only the chosen branch of an If.)

    Raises ExportError if the first graph has no tensor for an input, or already has a tensor with an output's name.
    """
    first, second = same_versions(first, second)
    graph = onnx.GraphProto()
    graph.CopyFrom(first.graph)
    tensors = {name for node in graph.node for name in node.output}
    tensors.update(value.name for value in (*graph.input, *graph.initializer))
    if missing := [value.name for value in second.graph.input if value.name not in tensors]:
        raise ExportError(f"The graph {graph.name!r} has no tensor {missing[0]!r} for the graph beside it.")
    if doubled := [value.name for value in second.graph.output if value.name in tensors]:
        raise ExportError(f"The graph {graph.name!r} has a tensor {doubled[0]!r} already.")
    taken = tensors | {node.name for node in graph.node}
    prefix = next(
        prefix
        for prefix in (f"beside{number}/" for number in itertools.count(1))
        if not any(name.startswith(prefix) for name in taken)
    )
    if switch not in tensors:
        graph.input.append(helper.make_tensor_value_info(switch, TensorProto.BOOL, []))
        graph.initializer.append(numpy_helper.from_array(np.array(True), switch))
    outputs = list(second.graph.output)
    computed, nothing = _branch(graph, second.graph, prefix), _no_rows(outputs, prefix)
    names = [value.name for value in outputs]
    graph.node.append(
        helper.make_node("If", [switch], names, name=prefix + "if", then_branch=computed, else_branch=nothing)
    )
    graph.output.extend(outputs)
    return as_model(graph, first.opset_import, first.ir_version, first)


def _branch(graph: onnx.GraphProto, other: onnx.GraphProto, prefix: str) -> onnx.GraphProto:
    """The nodes of the other graph that the first lacks, as a graph that reads the tensors of the first."""
    constants = {_content(tensor): tensor.name for tensor in reversed(graph.initializer)}
    # Equal constants with different names count as one when nodes are compared.
    one = {tensor.name: constants[_content(tensor)] for tensor in graph.initializer}
    made = {_computation(node, one): list(node.output) for node in reversed(graph.node)}
    names = {value.name: value.name for value in other.input}
    names |= {tensor.name: constants.get(_content(tensor), prefix + tensor.name) for tensor in other.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in other.node:
        known = made.get(_computation(node, names))
        if known is not None:
            names.update(zip(node.output, known, strict=True))
            continue
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise ExportError(f"The graph {other.name!r} has a node {node.op_type} with graphs inside.")
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = f"{prefix}{len(nodes)}/{node.name}"  # many nodes have no name
        copy.input[:] = [names[name] if name else "" for name in node.input]
        names.update({name: prefix + name if name else "" for name in node.output})
        copy.output[:] = [names[name] for name in node.output]
        nodes.append(copy)
    results = []
    for value in other.output:
        result = onnx.ValueInfoProto()
        result.CopyFrom(value)
        result.name = f"{prefix}result/{value.name}"
        nodes.append(helper.make_node("Identity", [names[value.name]], [result.name], f"{prefix}give/{value.name}"))
        results.append(result)
    read = {name for node in nodes for name in node.input}
    initializers = []
    for tensor in other.initializer:
        if names[tensor.name] in read and names[tensor.name].startswith(prefix):
            copied = onnx.TensorProto()
            copied.CopyFrom(tensor)
            copied.name = names[tensor.name]
            initializers.append(copied)
    return helper.make_graph(nodes, f"{prefix}then", [], results, initializers)


def _no_rows(outputs: Sequence[onnx.ValueInfoProto], prefix: str) -> onnx.GraphProto:
    """A graph with the same outputs, all without rows."""
    nodes, results, empty = [], [], []
    for value in outputs:
        kind, dims = value.type.tensor_type.elem_type, [d.dim_value for d in value.type.tensor_type.shape.dim[1:]]
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        empty.append(numpy_helper.from_array(np.zeros((0, *dims), dtype), f"{prefix}empty/{value.name}"))
        name = f"{prefix}nothing/{value.name}"
        nodes.append(helper.make_node("Identity", [empty[-1].name], [name], f"{prefix}leave/{value.name}"))
        results.append(helper.make_tensor_value_info(name, kind, [0, *dims]))
    return helper.make_graph(nodes, f"{prefix}else", [], results, empty)


def _computation(node: onnx.NodeProto, names: dict[str, str]) -> Hashable:
    """A key, equal for nodes that compute the same. names: replaces the names of tensors that the node reads."""
    attributes = sorted(attribute.SerializeToString(deterministic=True) for attribute in node.attribute)
    inputs = tuple(names.get(name, name) for name in node.input)
    return node.op_type, node.domain, inputs, len(node.output), tuple(attributes)


def _content(tensor: onnx.TensorProto) -> Hashable:
    """A key, equal for constants with the same values."""
    values = numpy_helper.to_array(tensor)
    return tensor.data_type, tuple(tensor.dims), hashlib.sha256(values.tobytes()).digest()
