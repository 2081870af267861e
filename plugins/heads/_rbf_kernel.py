"""The RBF kernel, as one matrix product in NumPy and as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

if TYPE_CHECKING:
    import onnx


def centred(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors float32 (n, n_columns) less their mean, and the mean.

    Distances do not change, but far from 0 their squares would drown in float32.
    """
    centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    return vectors - centre, centre


def scaled_gamma(vectors: np.ndarray, factor: float) -> float:
    """A gamma relative to 1 / the variance of all columns together, which is SVC's gamma="scale"."""
    return factor / max(float(vectors.var(axis=0).sum()), 1e-12)


def rbf_kernel(vectors: np.ndarray, support: np.ndarray, gamma: float) -> np.ndarray:
    """The kernel, float32 (n, n_support)."""
    squares = euclidean_distances(vectors, support, squared=True)
    return np.asarray(np.exp(-gamma * squares, dtype=np.float32))


def kernel_nodes(
    centre: np.ndarray, support: np.ndarray, gamma: float
) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray | np.generic]]:
    """Nodes of a graph from `features` to `kernel`, and their constants; support: the vectors less the centre."""
    from onnx import helper

    constants = {
        "centre": centre,
        "support": support.T.copy(),
        "lengths": (support**2).sum(axis=1)[None, :],
        "minus_two": np.float32(-2),
        "minus_gamma": np.float32(-gamma),
        "zero": np.float32(0),
    }
    nodes = [
        helper.make_node("Sub", ["features", "centre"], ["centred"]),
        helper.make_node("MatMul", ["centred", "support"], ["products"]),
        helper.make_node("Mul", ["products", "minus_two"], ["twice"]),
        helper.make_node("ReduceSumSquare", ["centred"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Add", ["twice", "length"], ["half_way"]),
        helper.make_node("Add", ["half_way", "lengths"], ["rounded"]),
        helper.make_node("Max", ["rounded", "zero"], ["squares"]),
        helper.make_node("Mul", ["squares", "minus_gamma"], ["exponents"]),
        helper.make_node("Exp", ["exponents"], ["kernel"]),
    ]
    return nodes, constants


def weighting_nodes(
    weights: np.ndarray, intercept: np.ndarray, result: str
) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray | np.generic]]:
    """Nodes of a graph from `kernel` to kernel @ weights + intercept, and their constants.

    In double precision: thousands of large terms of both signs cancel, and of 2,400 items float32 gets a margin wrong
    by 1e-3, and with a weak penalty by 1e-2.
    """
    from onnx import TensorProto, helper

    constants: dict[str, np.ndarray | np.generic] = {
        "weights": weights.astype(np.float64), "intercept": np.asarray(intercept, dtype=np.float64)
    }  # fmt: skip
    nodes = [
        helper.make_node("Cast", ["kernel"], ["exact_kernel"], to=TensorProto.DOUBLE),
        helper.make_node("Gemm", ["exact_kernel", "weights", "intercept"], ["exact"]),
        helper.make_node("Cast", ["exact"], [result], to=TensorProto.FLOAT),
    ]
    return nodes, constants
