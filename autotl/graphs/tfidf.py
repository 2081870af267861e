"""The graph of TF-IDF: counts weighted by column, then each block of columns brought to one length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper

from autotl.graphs.blocks import matrices

WEIGHTED = "weighted_counts"
"""The output; in a joined graph the name ends with it."""
_SHORTEST = 1e-9


def tfidf(weights: np.ndarray, blocks: Sequence[int], length: float) -> onnx.ModelProto:
    """The graph from `features`, counts float32 (n, n_columns), to `weighted_counts`.

    weights: of the columns, float32 (n_columns,). blocks: the number of columns of each block, side by side; a row of a
    block with any weight is brought to `length`.
    """
    constants: dict[str, np.ndarray | np.generic] = {
        "one": np.float32(1), "weights": weights.astype(np.float32), "shortest": np.float32(_SHORTEST),
        "length": np.float32(length), "axis": np.array([1], dtype=np.int64),
    }  # fmt: skip
    nodes = [
        helper.make_node("Max", ["features", "one"], ["at_least_one"]),
        helper.make_node("Log", ["at_least_one"], ["logarithm"]),
        helper.make_node("Min", ["features", "one"], ["occurs"]),
        helper.make_node("Add", ["logarithm", "occurs"], ["frequency"]),
        helper.make_node("Mul", ["frequency", "weights"], ["products"]),
    ]
    ends = np.cumsum(blocks)
    for i, (width, stop) in enumerate(zip(blocks, ends, strict=True)):
        constants[f"start_{i}"] = np.array([stop - width], dtype=np.int64)
        constants[f"stop_{i}"] = np.array([stop], dtype=np.int64)
        nodes += [
            helper.make_node("Slice", ["products", f"start_{i}", f"stop_{i}", "axis"], [f"block_{i}"]),
            helper.make_node("ReduceL2", [f"block_{i}"], [f"found_{i}"], axes=[1], keepdims=1),
            helper.make_node("Max", [f"found_{i}", "shortest"], [f"norm_{i}"]),
            helper.make_node("Div", [f"block_{i}", f"norm_{i}"], [f"unit_{i}"]),
            helper.make_node("Mul", [f"unit_{i}", "length"], [f"scaled_{i}"]),
        ]
    nodes.append(helper.make_node("Concat", [f"scaled_{i}" for i in range(len(blocks))], [WEIGHTED], axis=1))
    n_columns = int(ends[-1])
    return matrices(nodes, [("features", n_columns)], [(WEIGHTED, n_columns)], constants)
