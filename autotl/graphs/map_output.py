"""An output `map` for linear heads: where in the image the evidence for one class over another lies.

A logit is a sum over stages, channels and, because pooling is a mean or a maximum, positions (CAM: Zhou et al. 2016,
here for any number of stages and for maxima too). The evidence at a position is its contribution to the difference
between the logits of the most probable class and the runner-up, relative to the features of an average image:

    sum of the map + offset[class] - offset[runner-up] = logit[class] - logit[runner-up]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autotl.graphs.affine_logits import AffineLogits
from autotl.graphs.pooled_stages import PooledStage
from autotl.graphs.surgery import as_model

MAP, MAP_CLASSES = "map", "map_classes"
"""Outputs: float32 (n, height, width), and int64 (n, 2), the most probable class and the runner-up."""
EXPLAIN = "explain"
"""An optional bool input, false by default; unless it is true, both outputs have no rows."""
_PREFIX = "map/"


def map_grid(stages: Sequence[PooledStage]) -> tuple[int, int]:
    """Height and width of the map: those of the largest stage."""
    return max(stage.height for stage in stages), max(stage.width for stage in stages)


def add_map(
    model: onnx.ModelProto, stages: Sequence[PooledStage], logits: AffineLogits, average: Mapping[str, np.ndarray]
) -> onnx.ModelProto:
    """A graph with two more outputs, `map` and `map_classes`, which cost nothing unless its input `explain` is true.

    average: by the stage's tensor, the reference features (channels,), such as the mean over training images.
    """
    writer = _Writer()
    writer.classes(stages, logits)
    for source, pooled in by_source(stages):
        writer.stage(source, list(pooled), logits, average, map_grid(stages))
    writer.add("Sum", writer.parts, _PREFIX + MAP)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    outputs = [(MAP, TensorProto.FLOAT, map_grid(stages)), (MAP_CLASSES, TensorProto.INT64, (2,))]

    def infos(n: str | int, prefix: str) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(prefix + name, kind, [n, *dims]) for name, kind, dims in outputs]

    computed = helper.make_graph(writer.nodes, "map", [], infos("n", _PREFIX), writer.initializers)
    empty = [
        numpy_helper.from_array(np.zeros((0, *dims), helper.tensor_dtype_to_np_dtype(kind)), f"no_{name}")
        for name, kind, dims in outputs
    ]
    nothing = [helper.make_node("Identity", [tensor.name], [f"without/{tensor.name[3:]}"]) for tensor in empty]
    left_out = helper.make_graph(nothing, "no_map", [], infos(0, "without/"), empty)
    # ONNX Runtime computes all outputs of a graph, even those not requested, but only the chosen branch of an If.
    copy.graph.node.append(
        helper.make_node("If", [EXPLAIN], [MAP, MAP_CLASSES], name="map", then_branch=computed, else_branch=left_out)
    )
    copy.graph.input.append(helper.make_tensor_value_info(EXPLAIN, TensorProto.BOOL, []))
    copy.graph.initializer.append(numpy_helper.from_array(np.array(False), EXPLAIN))
    copy.graph.output.extend(infos("n_maps", ""))
    return as_model(copy.graph, copy.opset_import, copy.ir_version, copy)


def spread_matrix(n: int, wanted: int) -> np.ndarray:
    """A matrix (wanted, n) for linear interpolation between n positions that keeps their sum: its columns sum to 1."""
    places = np.clip((np.arange(wanted) + 0.5) * n / wanted - 0.5, 0, n - 1)
    weights = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(n)))
    return np.asarray(weights / weights.sum(axis=0))


def by_source(stages: Sequence[PooledStage]) -> Iterator[tuple[str, Iterator[PooledStage]]]:
    """The stages, grouped by the feature map that they pool."""
    return groupby(sorted(stages, key=lambda stage: stage.source), key=lambda stage: stage.source)


class _Writer:
    """Collects nodes and constants; all their names begin with `map/`."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.parts: list[str] = []

    def constant(self, value: np.ndarray) -> str:
        name = f"{_PREFIX}constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def number(self, value: np.ndarray) -> str:
        return self.constant(np.asarray(value, np.float32))

    def shape(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def add(self, op: str, inputs: Sequence[str], output: str = "", **attributes: object) -> str:
        output = output or f"{_PREFIX}{op}_{len(self.nodes)}"
        name = f"{_PREFIX}node_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=name, **attributes))
        return output

    def classes(self, stages: Sequence[PooledStage], logits: AffineLogits) -> None:
        """The two most probable classes, by logit: probabilities saturate at 0 and 1 when the model is very sure."""
        parts = []
        for stage in stages:
            row = self.add("Flatten", [stage.tensor], axis=1)
            parts.append(self.add("MatMul", [row, self.number(logits.weights[stage.tensor])]))
        total = self.add("Sum", [*parts, self.number(logits.offset)])
        top = [f"{_PREFIX}values", _PREFIX + MAP_CLASSES]
        self.nodes.append(helper.make_node("TopK", [total, self.shape(2)], top, name=f"{_PREFIX}node_top", axis=1))
        self.first = self.add("Gather", [top[1], self.constant(np.array(0, np.int64))], axis=1)
        self.second = self.add("Gather", [top[1], self.constant(np.array(1, np.int64))], axis=1)

    def stage(
        self,
        source: str,
        pooled: Sequence[PooledStage],
        logits: AffineLogits,
        average: Mapping[str, np.ndarray],
        grid: tuple[int, int],
    ) -> None:
        """The contribution of one feature map, interpolated to the grid."""
        first = pooled[0]
        channels, height, width = first.channels, first.height, first.width
        if not first.channels_first:
            source = self.add("Transpose", [source], perm=[0, 3, 1, 2])
        cells = self.add("Reshape", [source, self.shape(0, channels, height * width)])
        found = []
        for stage in pooled:
            by_class = self.number(logits.weights[stage.tensor].T)
            weights = self.add("Sub", [self.add("Gather", [by_class, one]) for one in (self.first, self.second)])
            usual = average[stage.tensor].reshape(1, channels)
            found.append(
                self._mean(cells, weights, usual, height * width)
                if stage.pooling == "avg"
                else self._maximum(cells, stage.tensor, weights, usual)
            )
        total = self.add("Sum", found) if len(found) > 1 else found[0]
        map_ = self.add("Reshape", [total, self.shape(0, height, width)])
        map_ = self.add("MatMul", [self.number(spread_matrix(height, grid[0])), map_])
        self.parts.append(self.add("MatMul", [map_, self.number(spread_matrix(width, grid[1]).T)]))

    def _mean(self, cells: str, weights: str, usual: np.ndarray, n_cells: int) -> str:
        each = self.add("Mul", [weights, self.number(np.array(1 / n_cells))])
        row = self.add("Unsqueeze", [each, self.shape(1)])
        expected = self.add("MatMul", [row, self.number(usual.T)])
        return self.add("Sub", [self.add("MatMul", [row, cells]), expected])

    def _maximum(self, cells: str, maxima: str, weights: str, usual: np.ndarray) -> str:
        """All at the position of the maximum; in equal parts if several positions reach it."""
        row = self.add("Flatten", [maxima], axis=1)
        # Not the pooled value itself: a quantised graph may round it once more.
        highest = self.add("ReduceMax", [cells], axes=[2], keepdims=1)
        reached = self.add("Cast", [self.add("Equal", [cells, highest])], to=TensorProto.FLOAT)
        times = self.add("ReduceSum", [reached, self.shape(2)], keepdims=0)
        part = self.add("Mul", [weights, self.add("Sub", [row, self.number(usual)])])
        return self.add("MatMul", [self.add("Unsqueeze", [self.add("Div", [part, times]), self.shape(1)]), reached])
