"""The stages of a Keras network: where it can be cut, and which cuts are worth reading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

MAX_STAGES = 6


class CutPoint(NamedTuple):
    """A tensor that every path from the images to the end goes through, and the operation that makes it."""

    tensor: Any
    operation: Any

    @property
    def height(self) -> int:
        return int(self.tensor.shape[1])

    @property
    def kind(self) -> str:
        return type(self.operation).__name__


def find_stages(network: Any) -> list[CutPoint]:
    """The deepest block end at each resolution, and the end of the network; shallow to deep."""
    cuts = [cut for cut in _cuts(network) if cut.kind not in _BEFORE_THE_NETWORK]
    levels: list[list[CutPoint]] = []
    for cut in cuts:
        # Convolutions without padding shave off a few pixels; only a stride begins a new level.
        if not levels or cut.height < 0.7 * levels[-1][0].height:
            levels.append([])
        levels[-1].append(cut)
    stages = [_block_end(level) for level in levels]
    if stages[-1] is not cuts[-1]:
        stages.append(cuts[-1])
    if len(stages) > MAX_STAGES:
        full = network.inputs[0].shape[1]
        stages = [stage for stage in stages if round(full / stage.height) > 2]
    return stages[-MAX_STAGES:]


_BEFORE_THE_NETWORK = ("InputLayer", "Normalization", "Rescaling", "ZeroPadding2D")
_SAME_BLOCK = ("Activation", "BatchNormalization", "LayerNormalization", "Multiply", "ReLU")
_DEPTHWISE = ("DepthwiseConv2D", "SeparableConv2D")


def _cuts(network: Any) -> Iterator[CutPoint]:
    depths = network._nodes_by_depth  # the graph as Keras runs it: depth counts from the outputs
    nodes = [node for depth in sorted(depths, reverse=True) for node in depths[depth]]
    waiting = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    waiting.update(id(tensor) for tensor in network.outputs)
    alive: set[int] = set()
    for node in nodes:
        for tensor in node.input_tensors:
            waiting[id(tensor)] -= 1
            if not waiting[id(tensor)]:
                alive.discard(id(tensor))
        alive.update(id(tensor) for tensor in node.outputs)
        if len(alive) == 1:
            yield CutPoint(node.outputs[0], node.operation)


def _block_end(level: Sequence[CutPoint]) -> CutPoint:
    """The last cut of a level, or the one before a 1x1 convolution that only prepares the next block.

    Such a convolution multiplies the channels (MobileNetV2: 96 to 576) or mixes them for the way down (DenseNet):
    the narrow end of the block says the same in fewer numbers. After a depthwise one it is the block itself.
    """
    for index in range(len(level) - 1, 0, -1):
        if level[index].kind == "Conv2D" and level[index].operation.kernel_size == (1, 1):
            before = (cut.kind for cut in reversed(level[:index]))
            block = next((kind for kind in before if kind not in _SAME_BLOCK), "")
            return level[-1] if block in _DEPTHWISE else level[index - 1]
        if level[index].kind not in _SAME_BLOCK:
            break
    return level[-1]


def name_stages(stages: Sequence[CutPoint]) -> None:
    """Give stages without a name of their own one that does not depend on what was built before."""
    for number, stage in enumerate(stages, start=1):
        automatic = re.sub(r"_\d+$", "", stage.operation.name).replace("_", "") == stage.kind.lower()
        if automatic:
            stage.operation.name = f"stage{number}"
