"""Joining, pruning and renaming parts of ONNX graphs."""

from __future__ import annotations

import graphlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import onnx

from autotl.errors import ExportError

NEWEST_IR_VERSION = 10  # ONNX Runtime refuses files newer than itself; nothing written here needs a newer one


def rename_tensor(model: onnx.ModelProto, old: str, new: str) -> onnx.ModelProto:
    """Rename a tensor of a graph without inner graphs, in place; another tensor of the new name makes room."""
    if old == new:
        return model
    graph = model.graph
    names = {old: new, new: f"{new}_inner"}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = names.get(value.name, value.name)
    return model


def keep_output(model: onnx.ModelProto, old: str, new: str) -> onnx.ModelProto:
    """Keep one output of a graph, under another name, in place."""
    kept = next(output for output in model.graph.output if output.name == old)
    del model.graph.output[:]
    model.graph.output.append(kept)
    return rename_tensor(model, old, new)


def prune(model: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto:
    """Keep only what the named tensors need, and make them the outputs.

    outputs: any tensors of the graph, in the order wanted.
    Raises ExportError if there is no tensor of that name.
    """
    graph = model.graph
    known = {name for node in graph.node for name in node.output if name} | {value.name for value in graph.input}
    if missing := [name for name in outputs if name not in known]:
        raise ExportError(
            f"The graph {graph.name!r} has no tensor {missing[0]!r}; its outputs are "
            f"{', '.join(value.name for value in graph.output)}."
        )
    needed = tensors_needed(graph, outputs)
    kept = onnx.helper.make_graph(
        [node for node in graph.node if needed.intersection(node.output)],
        graph.name,
        [value for value in graph.input if value.name in needed],
        _describe(model, outputs),
        [tensor for tensor in graph.initializer if tensor.name in needed],
        value_info=[v for v in graph.value_info if v.name in needed and v.name not in set(outputs)],
        sparse_initializer=[t for t in graph.sparse_initializer if t.values.name in needed],
    )
    return as_model(kept, model.opset_import, model.ir_version, model)


def tensors_needed(graph: onnx.GraphProto, outputs: Iterable[str]) -> set[str]:
    """The names of the tensors from which some are computed, and of these."""
    makers = {name: node for node in graph.node for name in node.output if name}
    needed: set[str] = set()
    pending = list(outputs)
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            if name in makers:
                pending.extend(names_read(makers[name]))
    return needed


def sort_nodes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Sort the nodes of a graph topologically, in place; tensors that are read inside branches count too."""
    graph = model.graph
    makers = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    reads = {i: {makers[name] for name in names_read(node) if name in makers} for i, node in enumerate(graph.node)}
    order = list(graphlib.TopologicalSorter(reads).static_order())
    nodes = [graph.node[i] for i in order]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def join(first: onnx.ModelProto, second: onnx.ModelProto, wires: Mapping[str, str]) -> onnx.ModelProto:
    """One graph that feeds outputs of the first into inputs of the second.

    wires: output of the first -> input of the second. Outputs that are not wired stay outputs, first those of the
        first graph. Inside, the names of the second graph get a prefix; its outputs keep theirs unless
        the first graph uses the same name.
    Raises ExportError if a wire has no end, or if the two graphs cannot be one.
    """
    for end, name, have in (
        *(("output of the first", name, first.graph.output) for name in wires),
        *(("input of the second", name, second.graph.input) for name in wires.values()),
    ):
        if name not in {value.name for value in have}:
            found = ", ".join(value.name for value in have)
            raise ExportError(f"There is no {end} graph called {name!r}; there are {found}.")
    first, second = same_versions(first, second)
    taken = {value.name for value in (*first.graph.input, *first.graph.initializer)}
    taken.update(name for node in first.graph.node for name in (node.name, *node.output))
    prefix = next(
        prefix
        for prefix in (f"graph{number}/" for number in itertools.count(2))
        if not any(name.startswith(prefix) for name in taken)
    )
    add_prefix(second.graph, prefix, keep={value.name for value in second.graph.output} - taken)
    try:
        merged = onnx.compose.merge_models(
            first, second, [(source, prefix + target) for source, target in wires.items()]
        )
    except (ValueError, onnx.checker.ValidationError) as reason:
        raise ExportError(
            f"The graphs {first.graph.name!r} and {second.graph.name!r} cannot be joined: {reason}"
        ) from reason
    # merge_models lists a domain once per graph that imports it.
    versions = {entry.domain: entry.version for entry in merged.opset_import}
    del merged.opset_import[:]
    merged.opset_import.extend(itertools.starmap(onnx.helper.make_opsetid, versions.items()))
    return merged


def as_model(
    graph: onnx.GraphProto,
    opsets: Iterable[onnx.OperatorSetIdProto],
    ir_version: int,
    like: onnx.ModelProto | None = None,
) -> onnx.ModelProto:
    """A checked model of a graph, with the functions and metadata of `like`; raises ExportError if it is invalid."""
    model = onnx.helper.make_model(graph, producer_name="autotl", opset_imports=list(opsets), ir_version=ir_version)
    if like is not None:
        model.functions.extend(like.functions)
        model.metadata_props.extend(like.metadata_props)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as reason:
        raise ExportError(f"The graph {graph.name!r} is not valid ONNX: {reason}") from reason
    return model


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def names_read(node: onnx.NodeProto) -> Iterator[str]:
    """Inputs of a node, and what the branches and bodies inside it read."""
    yield from (name for name in node.input if name)
    for graph in _subgraphs(node):
        yield from (value.name for value in graph.output)
        for inner in graph.node:
            yield from names_read(inner)


def _describe(model: onnx.ModelProto, names: Sequence[str]) -> list[onnx.ValueInfoProto]:
    """Type and shape of tensors, inferred where the graph does not say."""
    graph = model.graph
    known = {value.name: value for value in (*graph.input, *graph.output, *graph.value_info)}
    if any(name not in known for name in names):
        # Weights say no more than their shapes do, and inference copies the whole model.
        small = [tensor for tensor in graph.initializer if np.prod(tensor.dims) <= 64]
        large = [
            onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            for tensor in graph.initializer
            if np.prod(tensor.dims) > 64
        ]
        light = onnx.helper.make_graph(graph.node, graph.name, [*graph.input, *large], [], small)
        inferred = onnx.shape_inference.infer_shapes(
            onnx.helper.make_model(light, opset_imports=model.opset_import, ir_version=model.ir_version)
        )
        known = {value.name: value for value in inferred.graph.value_info} | known
    if unknown := [name for name in names if name not in known]:
        raise ExportError(f"The type of tensor {unknown[0]!r} in the graph {graph.name!r} cannot be inferred.")
    return [known[name] for name in names]


def same_versions(first: onnx.ModelProto, second: onnx.ModelProto) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Copies of two graphs, both with the newer of their operator sets and one file format version."""
    versions = [
        next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
        for model in (first, second)
    ]
    copies = []
    for model, version in zip((first, second), versions, strict=True):
        if version < max(versions):
            converted = onnx.version_converter.convert_version(model, max(versions))
            _state_version(converted, max(versions))
        else:
            converted = onnx.ModelProto()
            converted.CopyFrom(model)
        converted.ir_version = min(max(first.ir_version, second.ir_version), NEWEST_IR_VERSION)
        copies.append(converted)
    return copies[0], copies[1]


def _state_version(model: onnx.ModelProto, version: int) -> None:
    """State one version of ONNX' own operators: beside other domains, the converter leaves the old one too."""
    others = [entry for entry in model.opset_import if entry.domain not in ("", "ai.onnx")]
    del model.opset_import[:]
    model.opset_import.extend([onnx.helper.make_opsetid("", version), *others])


def add_prefix(graph: onnx.GraphProto, prefix: str, *, keep: set[str]) -> None:
    """Put a prefix before names in place, but for those kept, bodies of loops and branches included.

    onnx.compose leaves out the constants that such bodies read.
    """

    def renamed(name: str) -> str:
        return name if not name or name in keep else prefix + name

    for node in graph.node:
        node.name = renamed(node.name)
        node.input[:] = [renamed(name) for name in node.input]
        node.output[:] = [renamed(name) for name in node.output]
        for inner in _subgraphs(node):
            add_prefix(inner, prefix, keep=keep)
    for item in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        item.name = renamed(item.name)
    for sparse in graph.sparse_initializer:
        sparse.values.name = renamed(sparse.values.name)
