"""Log-odds of probabilities, in NumPy and as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from autotl.graphs.blocks import matrices

if TYPE_CHECKING:
    import onnx

SMALLEST = 1e-6
"""Probabilities are kept so far from 0 and 1 before they become log-odds."""


def log_odds(shares: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) of probabilities of any shape."""
    inside = np.clip(shares, SMALLEST, 1 - SMALLEST)
    return np.asarray(np.log(inside / (1 - inside)))


def log_odds_graph(n_columns: int) -> onnx.ModelProto:
    """The same as a graph from `shares` (n, n_columns) to `odds`."""
    from onnx import helper

    constants = {"floor": np.float32(SMALLEST), "ceiling": np.float32(1 - SMALLEST), "one": np.float32(1)}
    nodes = [
        helper.make_node("Clip", ["shares", "floor", "ceiling"], ["inside"]),
        helper.make_node("Sub", ["one", "inside"], ["rest"]),
        helper.make_node("Div", ["inside", "rest"], ["ratio"]),
        helper.make_node("Log", ["ratio"], ["odds"]),
    ]
    return matrices(nodes, [("shares", n_columns)], [("odds", n_columns)], constants)
