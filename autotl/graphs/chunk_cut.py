"""Cuts the graph of a text model where the chunks of a text come together, so that several texts can share chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper

from autotl.graphs.quiet_session import open_session
from autotl.graphs.surgery import names_read, tensors_needed
from autotl.graphs.text_pooling import IDS, MASK, N_TEXTS, OWNER

_TYPES = {
    "tensor(float)": TensorProto.FLOAT, "tensor(bool)": TensorProto.BOOL, "tensor(int64)": TensorProto.INT64,
}  # fmt: skip


@dataclass(frozen=True)
class ChunkCut:
    """The two parts of a graph.

    chunks: from `ids` and `mask` to `tensors`, which have a row for each chunk. texts: from these and `owned`, bool
    (n_texts, n_chunks), which chunks each text has, to the output of the whole graph.
    """

    chunks: onnx.ModelProto
    texts: onnx.ModelProto
    tensors: tuple[str, ...]
    owned: str


def cut_at_chunks(model: onnx.ModelProto, output: str = "probabilities") -> ChunkCut | None:
    """The parts before and after the pooling over the chunks of a text; None if the graph does not pool as ours do."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output if name}
    owned = [node.output[0] for node in graph.node if node.op_type == "Equal" and OWNER in node.input]
    if len(owned) != 1:
        return None
    of_chunks, of_texts = {IDS, MASK}, {OWNER, N_TEXTS}
    for node in graph.node:
        read = set(names_read(node))
        if read & of_texts:
            of_texts.update(node.output)
        elif read & of_chunks:
            of_chunks.update(node.output)
    after, between = set[str](), dict[str, None]()
    pending = [output]
    while pending:
        name = pending.pop()
        if name in of_chunks:
            between[name] = None
        elif name not in after and name not in owned:
            after.add(name)
            pending.extend(names_read(makers[name]) if name in makers else ())
    tensors = tuple(name for name in makers if name in between)
    if not tensors or after & {OWNER, N_TEXTS} or set(between) & {IDS, MASK}:
        return None
    # ONNX Runtime finds the types of outputs itself; onnx cannot of those behind operators of other domains.
    outputs = [onnx.ValueInfoProto(name=name) for name in tensors]
    inputs = [value for value in graph.input if value.name in (IDS, MASK)]
    chunks = _part(model, tensors_needed(graph, tensors), inputs, outputs)
    inputs = [
        helper.make_tensor_value_info(found.name, _TYPES[found.type], [None] * len(found.shape))
        for found in open_session(chunks).get_outputs()
    ]
    inputs.append(helper.make_tensor_value_info(owned[0], TensorProto.BOOL, ["n_texts", "n_chunks"]))
    inputs += [value for value in graph.input if value.name in after]
    texts = _part(model, after, inputs, [value for value in graph.output if value.name == output])
    return ChunkCut(chunks, texts, tensors, owned[0])


def _part(
    model: onnx.ModelProto, names: set[str], inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
) -> onnx.ModelProto:  # fmt: skip
    """The part of a graph that computes and holds tensors of these names."""
    graph = model.graph
    part = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions)
    part.graph.name = graph.name
    part.graph.node.extend(node for node in graph.node if names.intersection(node.output))
    part.graph.initializer.extend(tensor for tensor in graph.initializer if tensor.name in names)
    part.graph.input.extend(inputs)
    part.graph.output.extend(outputs)
    return part
