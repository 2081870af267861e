"""Small ONNX graphs of a few nodes, to be joined: what stands between a backbone's features and its probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autotl.graphs.keras_to_onnx import IR_VERSION, OPSET


def matrices(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[tuple[str, int]],
    outputs: Sequence[tuple[str, int]],
    constants: Mapping[str, np.ndarray | np.generic] | None = None,
) -> onnx.ModelProto:
    """A graph over float32 matrices (batch, columns), each given by its name and number of columns.

    constants: arrays or NumPy scalars, by name.
    """

    def info(name: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])

    initializers = [
        numpy_helper.from_array(np.asarray(value, order="C"), name) for name, value in (constants or {}).items()
    ]
    graph = helper.make_graph(
        list(nodes), outputs[0][0], [info(*i) for i in inputs], [info(*o) for o in outputs], initializers
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def affine(
    weights: np.ndarray, offset: np.ndarray, source: str, target: str, *, softmax: bool = False
) -> onnx.ModelProto:
    """target = source @ weights + offset, as probabilities if `softmax`."""
    constants = {"weights": weights.astype(np.float32), "offset": offset.astype(np.float32)}
    result = "logits" if softmax else target
    nodes = [helper.make_node("Gemm", [source, "weights", "offset"], [result])]
    if softmax:
        nodes.append(helper.make_node("Softmax", [result], [target], axis=-1))
    return matrices(nodes, [(source, weights.shape[0])], [(target, weights.shape[1])], constants)


def choices(inputs: Mapping[str, int], wanted: Mapping[str, Sequence[str]]) -> onnx.ModelProto:
    """Several choices among some matrices, each side by side.

    inputs: number of columns by name; wanted: the names of the inputs that each output is made of.
    """
    nodes = [helper.make_node("Concat", list(names), [output], axis=1) for output, names in wanted.items()]
    outputs = [(output, sum(inputs[name] for name in names)) for output, names in wanted.items()]
    return matrices(nodes, list(inputs.items()), outputs)


def weighted_mean(sources: Sequence[str], weights: Sequence[float], n_classes: int, target: str) -> onnx.ModelProto:
    """The mean of several matrices of probabilities, by weights that sum to 1."""
    constants = {f"weight_{i}": np.float32(weight) for i, weight in enumerate(weights)}
    nodes = [helper.make_node("Mul", [source, f"weight_{i}"], [f"part_{i}"]) for i, source in enumerate(sources)]
    nodes.append(helper.make_node("Sum", [f"part_{i}" for i in range(len(sources))], [target]))
    return matrices(nodes, [(source, n_classes) for source in sources], [(target, n_classes)], constants)
