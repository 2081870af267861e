"""Several ONNX graphs as one, in which what they compute alike, such as a shared frozen network, is computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import numpy_helper

from autotl.errors import ExportError
from autotl.graphs.surgery import as_model, prune, same_versions, sort_nodes


@dataclass(frozen=True)
class Side:
    """One of the graphs. inputs, outputs: what its inputs and the outputs that are kept are called in the whole."""

    model: onnx.ModelProto
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def side_by_side(sides: Sequence[Side]) -> onnx.ModelProto:
    """One graph with the outputs of several.

    Inputs of the same name are one input. Nodes that compute the same from the same tensors, and equal constants, are
    kept once; so a frozen network that several graphs begin with runs once. Raises ExportError if two inputs of one
    name differ, an output's name is given twice, or the result is not a valid graph.
    """
    models = [prune(side.model, list(side.outputs)) for side in sides]
    for place in range(1, len(models)):  # the newest version of all comes last, and then goes back to the others
        models[place - 1], models[place] = same_versions(models[place - 1], models[place])
    models = [same_versions(model, models[-1])[0] for model in models]
    whole = _Whole()
    for number, (model, side) in enumerate(zip(models, sides, strict=True)):
        whole.add(sort_nodes(model).graph, side, f"side{number}/")
    graph = onnx.helper.make_graph(
        whole.nodes, "targets", list(whole.inputs.values()), whole.outputs, whole.initializers
    )  # fmt: skip
    return as_model(graph, _opsets(models), max(model.ir_version for model in models), _with_functions(models))


class _Whole:
    """The graph that grows. made: names of the outputs of each computation; constants: of each content."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: dict[str, onnx.ValueInfoProto] = {}
        self.outputs: list[onnx.ValueInfoProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._made: dict[Hashable, list[str]] = {}
        self._constants: dict[Hashable, str] = {}

    def add(self, graph: onnx.GraphProto, side: Side, prefix: str) -> None:
        if graph.sparse_initializer:
            raise ExportError(f"The graph {graph.name!r} has sparse constants, which cannot be put beside others.")
        switches = {value.name for value in graph.input} & set(side.inputs)
        names = {"": ""}
        for tensor in graph.initializer:
            if tensor.name in switches:
                self._default(tensor, side.inputs[tensor.name])
            else:
                names[tensor.name] = self._constant(tensor, prefix)
        for value in graph.input:
            if value.name not in names:  # an input with a default and without a name of its own is a constant here
                names[value.name] = self._input(value, side.inputs.get(value.name, prefix + value.name))
        for node in graph.node:
            self._node(node, names, prefix)
        for value in graph.output:
            self._output(value, names[value.name], side.outputs[value.name])

    def _constant(self, tensor: onnx.TensorProto, prefix: str) -> str:
        key = _content(tensor)
        if key not in self._constants:
            copied = onnx.TensorProto()
            copied.CopyFrom(tensor)
            copied.name = self._constants[key] = prefix + tensor.name
            self.initializers.append(copied)
        return self._constants[key]

    def _default(self, tensor: onnx.TensorProto, name: str) -> None:
        """Keep the default of an input, once."""
        if name not in self.inputs:
            copied = onnx.TensorProto()
            copied.CopyFrom(tensor)
            copied.name = name
            self.initializers.append(copied)

    def _input(self, value: onnx.ValueInfoProto, name: str) -> str:
        copied = onnx.ValueInfoProto()
        copied.CopyFrom(value)
        copied.name = name
        known = self.inputs.setdefault(name, copied)
        if _sizes(known) != _sizes(copied):
            raise ExportError(f"Two graphs take different inputs {name!r}: {_sizes(known)} and {_sizes(copied)}.")
        return name

    def _node(self, node: onnx.NodeProto, names: dict[str, str], prefix: str) -> None:
        copied = _renamed(node, names, prefix)
        has_graphs = any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
        key = None if has_graphs or _is_random(node) else _computation(copied)
        if key is not None and key in self._made:
            names.update(zip(node.output, self._made[key], strict=True))
            return
        names.update({name: prefix + name for name in node.output if name})
        copied.output[:] = [names[name] for name in node.output]
        copied.name = f"{prefix}{len(self.nodes)}"
        self.nodes.append(copied)
        if key is not None:
            self._made[key] = list(copied.output)

    def _output(self, value: onnx.ValueInfoProto, source: str, name: str) -> None:
        if name in {output.name for output in self.outputs}:
            raise ExportError(f"Two graphs are to give the output {name!r}.")
        copied = onnx.ValueInfoProto()
        copied.CopyFrom(value)
        copied.name = name
        self.outputs.append(copied)
        self.nodes.append(onnx.helper.make_node("Identity", [source], [name], name=f"give/{name}"))


def _renamed(node: onnx.NodeProto, names: Mapping[str, str], prefix: str) -> onnx.NodeProto:
    """A copy of a node that reads tensors by their new names, in its inner graphs too; its outputs keep theirs."""
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    copied.input[:] = [names[name] for name in node.input]
    for attribute in copied.attribute:
        for graph in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
            _rename_inside(graph, names, prefix)
    return copied


def _rename_inside(graph: onnx.GraphProto, names: Mapping[str, str], prefix: str) -> None:
    own = {value.name for value in (*graph.input, *graph.initializer)}
    own |= {name for node in graph.node for name in node.output if name}
    inner = {**names, **{name: prefix + name for name in own}}
    nodes = [_renamed(node, inner, prefix) for node in graph.node]
    for node in nodes:
        node.output[:] = [inner[name] if name else "" for name in node.output]
    del graph.node[:]
    graph.node.extend(nodes)
    for value in (*graph.input, *graph.initializer, *graph.output, *graph.value_info):
        value.name = inner.get(value.name, prefix + value.name)


def _opsets(models: Sequence[onnx.ModelProto]) -> list[onnx.OperatorSetIdProto]:
    """The newest version of each domain of operators."""
    versions: dict[str, int] = {}
    for entry in (entry for model in models for entry in model.opset_import):
        versions[entry.domain] = max(entry.version, versions.get(entry.domain, 0))
    return [onnx.helper.make_opsetid(domain, version) for domain, version in versions.items()]


def _with_functions(models: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """A model that holds the functions of all."""
    holder = onnx.ModelProto()
    known: dict[tuple[str, str], onnx.FunctionProto] = {}
    for model in models:
        for function in model.functions:
            key = (function.domain, function.name)
            if known.setdefault(key, function) != function:
                raise ExportError(f"Two graphs have different functions called {function.name!r}.")
    holder.functions.extend(known.values())
    return holder


def _is_random(node: onnx.NodeProto) -> bool:
    return node.op_type.startswith("Random") or node.op_type in ("Bernoulli", "Multinomial")


def _sizes(value: onnx.ValueInfoProto) -> tuple[int, tuple[int | str, ...]]:
    """Type and sizes of a tensor; a size that is not fixed counts as any other such."""
    kind = value.type.tensor_type
    return kind.elem_type, tuple(dim.dim_value or "any" for dim in kind.shape.dim)


def _computation(node: onnx.NodeProto) -> Hashable:
    """A key, equal for nodes that compute the same from tensors of the same names."""
    attributes = sorted(attribute.SerializeToString(deterministic=True) for attribute in node.attribute)
    return node.op_type, node.domain, tuple(node.input), len(node.output), tuple(attributes)


def _content(tensor: onnx.TensorProto) -> Hashable:
    """A key, equal for constants with the same values."""
    values = numpy_helper.to_array(tensor)
    return tensor.data_type, tuple(tensor.dims), hashlib.sha256(values.tobytes()).digest()
