"""The cut points of an ONNX graph: tensors that every path from the images to the end goes through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import onnx
from onnx import helper

from autotl.graphs.surgery import names_read

_ONLY_SHAPES = ("Shape", "Size")
_CHANNELS_FIRST = (
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "DepthToSpace", "FusedConv", "GlobalAveragePool",
    "GlobalMaxPool", "InstanceNormalization", "LRN", "LpPool", "MaxPool", "QLinearConv", "SpaceToDepth",
)  # fmt: skip
_OTHER_AXES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Einsum", "ReduceMean", "ReduceMax", "ReduceSum")
Layout: TypeAlias = Literal["first", "last", ""]
"""The position of the channels in a tensor with four axes; empty if it is not known."""


@dataclass(frozen=True)
class DataFlow:
    """The nodes that depend on the images, in order, and the tensors they compute.

    tensors: the node that computes each, by name.
    """

    images: str
    nodes: tuple[onnx.NodeProto, ...]
    tensors: dict[str, onnx.NodeProto]

    def reads(self, node: onnx.NodeProto) -> list[str]:
        """The tensors of the flow that a node reads."""
        return [name for name in names_read(node) if name in self.tensors or name == self.images]


def data_flow(model: onnx.ModelProto, images: str) -> DataFlow:
    """The nodes that depend on pixels, not only on the number and size of the images."""
    made: dict[str, onnx.NodeProto] = {}
    nodes = []
    for node in model.graph.node:
        if node.op_type not in _ONLY_SHAPES and any(name in made or name == images for name in names_read(node)):
            nodes.append(node)
            made.update((name, node) for name in node.output if name)
    return DataFlow(images, tuple(nodes), made)


def needing(model: onnx.ModelProto, inputs: Iterable[str]) -> set[str]:
    """The tensors that cannot be computed without some inputs, including these."""
    found = set(inputs)
    for node in model.graph.node:
        if any(name in found for name in names_read(node)):
            found.update(node.output)
    return found


def ancestors(flow: DataFlow, tensor: str) -> set[str]:
    """The tensors of the flow that one depends on, itself included."""
    found: set[str] = set()
    pending = [tensor]
    while pending:
        name = pending.pop()
        if name not in found and name in flow.tensors:
            found.add(name)
            pending += flow.reads(flow.tensors[name])
    return found


def cut_points(flow: DataFlow, end: str) -> list[str]:
    """The tensors that every path from the images to a tensor goes through, in order, the end included."""
    wanted = ancestors(flow, end)
    nodes = [node for node in flow.nodes if wanted.intersection(node.output)]
    waiting = Counter(name for node in nodes for name in flow.reads(node))
    waiting[end] += 1
    alive = {flow.images}
    cuts: list[str] = []
    for node in nodes:
        for name in flow.reads(node):
            waiting[name] -= 1
            if not waiting[name]:
                alive.discard(name)
        alive.update(name for name in node.output if name in wanted and waiting[name])
        if len(alive) == 1 and not alive.isdisjoint(node.output):
            cuts.extend(alive)
    return cuts


def layouts(flow: DataFlow, *, channels_first: bool) -> dict[str, Layout]:
    """The position of the channels in each tensor with four axes, as far as the operations determine it."""
    found: dict[str, Layout] = {flow.images: "first" if channels_first else "last"}
    for node in flow.nodes:
        reads = flow.reads(node)
        if node.op_type in _CHANNELS_FIRST:
            layout: Layout = "first"
            if node.input[0] in reads:
                found[node.input[0]] = "first"
        elif node.op_type == "Transpose":
            layout = _turned(found.get(reads[0], ""), list(_attribute(node, "perm")))
        elif node.op_type in _OTHER_AXES:
            layout = ""
        else:
            layout = next((found[name] for name in reads if found.get(name)), "")
        found.update(dict.fromkeys(node.output, layout))
    return found


def _turned(layout: Layout, perm: Sequence[int]) -> Layout:
    if perm == [0, 2, 3, 1]:
        return "last" if layout == "first" else ""
    if perm == [0, 3, 1, 2]:
        return "first" if layout == "last" else ""
    return layout if perm == [0, 1, 2, 3] else ""


def _attribute(node: onnx.NodeProto, name: str) -> Sequence[int]:
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), ())
