"""A model's doubts as ONNX nodes: a set of classes, whether the model is unsure, and a p-value for novelty.

`set` is bool (batch, n_classes), `unsure` bool (batch,), `none_of_these` float32 (batch,).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autotl.graphs.keras_to_onnx import IR_VERSION, OPSET

SET, UNSURE, NONE_OF_THESE = "set", "unsure", "none_of_these"
SWITCH = "doubts"
"""The optional input that turns the doubts off; see `beside`."""


def membership(thresholds: np.ndarray, *, penalty: float | None = None, free_ranks: int = 0) -> onnx.ModelProto:
    """From `probabilities` to `set`: the classes whose score is at most their threshold.

    thresholds: float (n_classes,). The score is 1 minus the probability. With a penalty it is the score of RAPS: the
    total probability of the class and of all more probable ones, plus the penalty for each rank beyond `free_ranks`.
    """
    n_classes = len(thresholds)
    constants: dict[str, np.ndarray | np.generic] = {"thresholds": thresholds.astype(np.float32)}
    if penalty is None:
        constants["one"] = np.float32(1)
        nodes = [helper.make_node("Sub", ["one", "probabilities"], ["scores"])]
    else:
        ranks = np.arange(1, n_classes + 1)
        constants |= {
            "n_classes": np.array([n_classes], np.int64), "last": np.array(1, np.int64),
            "penalties": (penalty * np.maximum(0, ranks - free_ranks)).astype(np.float32),
        }  # fmt: skip
        nodes = [
            helper.make_node("TopK", ["probabilities", "n_classes"], ["sorted", "order"], axis=1, largest=1),
            helper.make_node("CumSum", ["sorted", "last"], ["cumulative"]),
            helper.make_node("Add", ["cumulative", "penalties"], ["penalised"]),
            helper.make_node("ScatterElements", ["penalised", "order", "penalised"], ["scores"], axis=1),
        ]
    nodes.append(helper.make_node("LessOrEqual", ["scores", "thresholds"], [SET]))
    return _graph(nodes, n_classes, "probabilities", (SET, TensorProto.BOOL, n_classes), constants)


def unsure(threshold: float, n_classes: int) -> onnx.ModelProto:
    """From `probabilities` to `unsure`: whether the highest probability is below the threshold."""
    nodes = [
        helper.make_node("ReduceMax", ["probabilities"], ["highest"], axes=[1], keepdims=0),
        helper.make_node("Less", ["highest", "threshold"], [UNSURE]),
    ]
    return _graph(
        nodes, n_classes, "probabilities", (UNSURE, TensorProto.BOOL, None), {"threshold": np.float32(threshold)}
    )


def novelty(axes: np.ndarray, offset: np.ndarray, centres: np.ndarray, distances: np.ndarray) -> onnx.ModelProto:
    """From `features` to `none_of_these`: the share of distances, the image's own included, that are at least as large.

    axes: (n_features, n_components), offset: (n_components,), centres: (n_classes, n_components). The distance is the
    squared distance to the nearest centre, of features scaled to unit length. distances: (m,), those of the calibration
    items.
    """
    constants: dict[str, np.ndarray | np.generic] = {
        "axes": axes.astype(np.float32), "offset": offset.astype(np.float32),
        "minus_twice": np.ascontiguousarray(-2 * centres.T, np.float32),
        "lengths": (centres.astype(np.float64) ** 2).sum(axis=1).astype(np.float32),
        "distances": distances.astype(np.float32), "one": np.float32(1),
        "total": np.float32(1 + len(distances)), "tiny": np.float32(1e-12), "columns": np.array([1], np.int64),
    }  # fmt: skip
    nodes = [
        helper.make_node("ReduceL2", ["features"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Max", ["length", "tiny"], ["divisor"]),
        helper.make_node("Div", ["features", "divisor"], ["unit"]),
        helper.make_node("Gemm", ["unit", "axes", "offset"], ["turned"]),
        helper.make_node("Mul", ["turned", "turned"], ["squared"]),
        helper.make_node("ReduceSum", ["squared", "columns"], ["own"], keepdims=1),
        helper.make_node("Gemm", ["turned", "minus_twice", "lengths"], ["others"]),
        helper.make_node("Add", ["own", "others"], ["squares"]),
        helper.make_node("ReduceMin", ["squares"], ["nearest"], axes=[1], keepdims=1),
        helper.make_node("GreaterOrEqual", ["distances", "nearest"], ["farther"]),
        helper.make_node("Cast", ["farther"], ["counted"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["counted", "columns"], ["count"], keepdims=0),
        helper.make_node("Add", ["count", "one"], ["count_and_one"]),
        helper.make_node("Div", ["count_and_one", "total"], [NONE_OF_THESE]),
    ]
    return _graph(nodes, len(axes), "features", (NONE_OF_THESE, TensorProto.FLOAT, None), constants)


def _graph(
    nodes: Sequence[onnx.NodeProto], width: int, source: str, output: tuple[str, int, int | None],
    constants: Mapping[str, np.ndarray | np.generic],
) -> onnx.ModelProto:  # fmt: skip
    """A graph with one float32 input (batch, width). output: name, type, and number of columns (None for a vector)."""
    name, kind, columns = output
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["batch", width])],
        [helper.make_tensor_value_info(name, kind, ["batch"] if columns is None else ["batch", columns])],
        [numpy_helper.from_array(np.asarray(value, order="C"), key) for key, value in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
