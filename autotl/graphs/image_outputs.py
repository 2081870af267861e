"""Finds the stages to read in an ONNX graph that takes images: feature maps, tokens and vectors, shallow to deep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from autotl.errors import ConfigError
from autotl.graphs.cut_points import DataFlow, Layout, ancestors, cut_points

MAX_MAPS = 6
MAX_VECTORS = 3
_N_TOKEN_STAGES = 4
_NEW_LEVEL = 0.7
"""Convolutions without padding shave off a few pixels; only a stride begins a new level."""
_WIDENING = 1.5
"""A last map with this many times the channels is read beside the one it is made of: some networks end so."""
_PROBABILITIES = ("Softmax", "LogSoftmax", "Sigmoid", "Flatten", "Reshape", "Squeeze", "Identity", "Cast")
_LINEAR = ("Gemm", "MatMul", "Conv", "FusedGemm", "FusedMatMul", "QLinearConv", "MatMulInteger", "QGemm")
_REDUCING = ("Conv", "MaxPool", "AveragePool", "LpPool", "FusedConv", "QLinearConv")
_POOLING = (
    "AveragePool", "Cast", "Dropout", "Flatten", "Gather", "GlobalAveragePool", "GlobalMaxPool", "Identity",
    "QuantizeLinear", "DequantizeLinear", "ReduceMax", "ReduceMean", "Reshape", "Slice", "Squeeze", "Transpose",
    "Unsqueeze",
)  # fmt: skip
"""Operations that only pool a map or select a token, so that their result adds nothing to the map."""
Kind: TypeAlias = Literal["map", "vector", "tokens", "class token"]
Shapes: TypeAlias = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Stage:
    """A tensor to read.

    name: of the output. tensor: in the graph. kind: a map has four axes, a vector two or further ones of length 1,
    tokens three. layout: where the channels of a map are. batch_axis: of tokens, 0 or 1.
    prefix: number of tokens before those of the image's patches. patch: their height and width in pixels, 0 if unknown.
    """

    name: str
    tensor: str
    kind: Kind
    layout: Layout = ""
    batch_axis: int = 0
    prefix: int = 0
    patch: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Network:
    """A graph with the shapes of its tensors for some images.

    shapes: of the tensors that hold floating-point numbers; n_images and size: of the images they are for.
    outputs: the tensors that it declares as outputs and that depend on the images only.
    """

    flow: DataFlow
    shapes: Shapes
    layouts: Mapping[str, Layout]
    outputs: tuple[str, ...]
    n_images: int
    size: tuple[int, int]

    def kind(self, tensor: str) -> Kind | None:
        """The kind of a tensor; None if it cannot be read as features."""
        shape, n = self.shapes.get(tensor, ()), self.n_images
        if len(shape) == 3 and n in shape[:2] and shape[2] > 1 and max(shape[:2]) > n:
            return "tokens"
        if len(shape) not in (2, 3, 4) or shape[0] != n:
            return None
        if sum(length > 1 for length in shape[1:]) <= 1:
            return "vector" if max(shape[1:]) > 1 else None
        fits = len(shape) == 4 and self.layouts.get(tensor)
        return "map" if fits and max(self.positions(tensor)) <= max(self.size) else None

    def positions(self, tensor: str) -> tuple[int, int]:
        """Height and width of a map."""
        shape = self.shapes[tensor]
        return (shape[2], shape[3]) if self.layouts.get(tensor) == "first" else (shape[1], shape[2])

    def patch(self, tensor: str) -> tuple[int, int]:
        """Height and width of a map's position in pixels, rounded down."""
        rows, columns = self.positions(tensor)
        return self.size[0] // rows, self.size[1] // columns

    def channels(self, tensor: str) -> int:
        """Of a map."""
        return self.shapes[tensor][1 if self.layouts.get(tensor) == "first" else 3]


def deepest_output(flow: DataFlow, outputs: Sequence[str]) -> str:
    """The output that depends on most of the graph; its logits if it is a softmax or sigmoid."""
    end = max(outputs, key=lambda name: len(ancestors(flow, name)))
    return _before_probabilities(flow, end)


def find_stages(network: Network) -> tuple[Stage, ...]:
    """The stages of a network; raises ConfigError if there are none."""
    flow = network.flow
    end = deepest_output(flow, network.outputs)
    cuts = [(name, network.kind(name)) for name in cut_points(flow, end)]
    tokens = _token_stages(network, [name for name, kind in cuts if kind == "tokens"])
    grid = tokens[0].patch if tokens else None
    maps = [
        stage
        for stage in _map_stages(network, [name for name, kind in cuts if kind == "map"], end)
        if network.patch(stage.tensor) != grid  # the patches as they go into the transformer
    ]
    last = max((index for index, (_, kind) in enumerate(cuts) if kind in ("map", "tokens")), default=-1)
    read = {stage.tensor for stage in (*maps, *tokens)}
    vectors = _vector_stages(network, [name for name, kind in cuts[last + 1 :] if kind == "vector"], end, read)
    vectors = [*_further_outputs(network, end, {*read, *(stage.tensor for stage in vectors)}), *vectors]
    if not (found := _named(maps, tokens, vectors)):
        shapes = "; ".join(f"{name!r} {network.shapes.get(name, 'of unknown shape')}" for name in network.outputs)
        raise ConfigError(
            f"nothing in it can be read as features of an image; its outputs are {shapes}. Expected feature maps "
            "(n, channels, h, w) or vectors (n, n_features)."
        )
    return found


def stated_stages(network: Network, tensors: Sequence[str]) -> tuple[Stage, ...]:
    """Stages for the tensors that a user named, with names derived from theirs."""
    stages = []
    for number, tensor in enumerate(tensors, start=1):
        kind = network.kind(tensor)
        if kind is None:
            raise ConfigError(
                f"its tensor {tensor!r} has the shape {network.shapes.get(tensor, 'unknown')} for {network.n_images} "
                "images; expected (n, channels, h, w), (n, tokens, n_features) or (n, n_features)."
            )
        stage = Stage(_clean(tensor, number), tensor, kind, network.layouts.get(tensor, "") if kind == "map" else "")
        stages += _as_tokens(network, stage) if kind == "tokens" else [stage]
    return tuple(stages)


def _clean(tensor: str, number: int) -> str:
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in tensor).strip("_")
    return f"{number}_{kept}"[:60]


def _before_probabilities(flow: DataFlow, end: str) -> str:
    """The logits, if the end is their softmax or sigmoid; else the end itself."""
    name = end
    while name in flow.tensors:
        node = flow.tensors[name]
        if node.op_type in _PROBABILITIES[:3]:
            return str(node.input[0])
        if node.op_type not in _PROBABILITIES:
            break
        name = node.input[0]
    return end


def _map_stages(network: Network, cuts: Sequence[str], end: str) -> list[Stage]:
    """The deepest map at each resolution, and the last one before a final convolution that adds channels."""
    levels: list[list[str]] = []
    for name in _with_parallel_maps(network, cuts, end):
        if not levels or not _same_level(network, name, levels[-1][0]):
            levels.append([])
        levels[-1].append(name)
    chosen = [level[-1] for level in levels]
    if levels:
        final = levels[-1]
        narrow = [name for name in final if network.channels(name) * _WIDENING <= network.channels(final[-1])]
        chosen[-1:] = [*narrow[-1:], final[-1]]
    if len(chosen) > MAX_MAPS:
        chosen = [name for name in chosen if round(network.size[0] / network.positions(name)[0]) > 2] or chosen
    return [Stage("", name, "map", network.layouts[name]) for name in chosen[-MAX_MAPS:]]


def _after_weights(flow: DataFlow) -> set[str]:
    """The tensors after the first convolution or linear layer; before it there are only pixels."""
    found: set[str] = set()
    for node in flow.nodes:
        if node.op_type in _LINEAR or any(name in found for name in flow.reads(node)):
            found.update(node.output)
    return found


def _same_level(network: Network, one: str, other: str) -> bool:
    return _NEW_LEVEL <= network.positions(one)[0] / network.positions(other)[0] <= 1 / _NEW_LEVEL


def _with_parallel_maps(network: Network, cuts: Sequence[str], end: str) -> list[str]:
    """The cuts, and for resolutions that only parallel paths have, as in a segmentation network, one of their maps.

    That is the last map that a strided convolution or pooling reads, and at the coarsest resolution the last map.
    """
    flow = network.flow
    wanted = ancestors(flow, end) & _after_weights(flow)
    maps = [name for name in flow.tensors if name in wanted and network.kind(name) == "map"]
    every = [name for name in maps if flow.tensors[name].op_type != "Pad"]
    if not every:
        return []
    coarsest = min(reversed(every), key=network.positions)
    before = every[: every.index(coarsest) + 1]
    found: dict[tuple[int, int], str] = {}
    for name in before:
        node = flow.tensors[name]
        source = node.input[0]
        if source in flow.tensors and flow.tensors[source].op_type == "Pad":
            source = flow.tensors[source].input[0]
        if node.op_type in _REDUCING and source in before and not _same_level(network, name, source):
            found[network.positions(source)] = source
    found.setdefault(network.positions(coarsest), coarsest)
    covered = [name for name in before if name in cuts]
    missing = {name for name in found.values() if not any(_same_level(network, name, cut) for cut in covered)}
    return [name for name in every if name in missing or name in cuts]


def _token_stages(network: Network, cuts: Sequence[str]) -> list[Stage]:
    """Tokens at four depths if the graph is a transformer: several cut points with tokens of the same shape."""
    common = Counter(network.shapes[name] for name in cuts)
    shape, count = common.most_common(1)[0] if common else ((), 0)
    if count < 3:
        return []
    same = [name for name in cuts if sorted(network.shapes[name]) == sorted(shape)]
    steps = [len(same) * (step + 1) // _N_TOKEN_STAGES - 1 for step in range(_N_TOKEN_STAGES)]
    chosen = [same[index] for index in dict.fromkeys(max(step, 0) for step in steps)]
    *before, final = [_as_tokens(network, Stage("", name, "tokens")) for name in chosen]
    return [*(stages[0] for stages in before), *final]


def _as_tokens(network: Network, stage: Stage) -> list[Stage]:
    """A stage for the patches' tokens, and one for the class token if there is one."""
    shape = network.shapes[stage.tensor]
    batch_axis = 0 if shape[0] == network.n_images else 1
    length = shape[1 - batch_axis]
    grids = [network.positions(name) for name in network.shapes if network.kind(name) == "map"]
    rows, columns = max(
        (grid for grid in grids if 0 <= length - grid[0] * grid[1] <= 16), key=lambda g: g[0] * g[1], default=(0, 0)
    )
    prefix = length - rows * columns if rows else 0
    patch = (network.size[0] // rows, network.size[1] // columns) if rows else (0, 0)
    patches = Stage(stage.name, stage.tensor, "tokens", "", batch_axis, prefix, patch)
    class_name = f"{stage.name}_class_token" if stage.name else "class_token"
    first = Stage(class_name, stage.tensor, "class token", "", batch_axis, prefix)
    return [patches, first] if prefix else [patches]


def _vector_stages(network: Network, cuts: Sequence[str], end: str, read: set[str]) -> list[Stage]:
    """Inputs of linear layers after the last map, and the end, without those that only pool a map that is read."""
    flow = network.flow
    linear = {node.input[0] for node in flow.nodes if node.op_type in _LINEAR}
    chosen = [name for name in cuts if name in linear or name == end]
    chosen = [name for name in chosen if not _only_pools(flow, name, read)]
    return [Stage(_end_name(network, name) if name == end else "", name, "vector") for name in chosen[-MAX_VECTORS:]]


def _only_pools(flow: DataFlow, name: str, read: set[str]) -> bool:
    while name not in read:
        node = flow.tensors.get(name)
        if node is None or node.op_type not in _POOLING:
            return False
        name = node.input[0]
    return True


def _end_name(network: Network, name: str) -> str:
    """The end is called "logits" if probabilities are computed from it or its name says so, else "embedding"."""
    softened = any(name in node.input and node.op_type in _PROBABILITIES[:3] for node in network.flow.nodes)
    said = any(word in name.lower() for word in ("logit", "prob", "class", "score", "softmax"))
    return "logits" if softened or said or network.shapes[name][1] == 1000 else "embedding"


def _further_outputs(network: Network, end: str, read: set[str]) -> list[Stage]:
    """Other declared outputs that are vectors."""
    rest = [_before_probabilities(network.flow, name) for name in network.outputs]
    fresh = [
        name for name in dict.fromkeys(rest) if name != end and name not in read and network.kind(name) == "vector"
    ]
    fresh = [name for name in fresh if not _only_pools(network.flow, name, read)]
    return [Stage("", name, "vector") for name in fresh[:MAX_VECTORS]]


def _named(maps: Sequence[Stage], tokens: Sequence[Stage], vectors: Sequence[Stage]) -> tuple[Stage, ...]:
    """All stages; those without a name are called stage1, stage2, ..., vector1, ..."""
    numbers = {"stage": 0, "vector": 0}
    found = []
    for stage in (*maps, *tokens, *vectors):
        name = stage.name
        if not name:
            kind = "vector" if stage.kind == "vector" else "stage"
            numbers[kind] += 1
            name = f"{kind}{numbers[kind]}"
        found.append(replace(stage, name=name))
    return tuple(found)
