"""Linear heads on counts of words: the weight of each counted word in the logits, from a classifier's graph.

After TF-IDF weighting the logits are affine in the weighted counts, so that each word's share in a difference of two
logits is its weighted count times the difference of two coefficients, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from autotl.graphs.affine_logits import affine_logits
from autotl.graphs.pooled_stages import PooledStage, constants_of, shapes_of
from autotl.graphs.surgery import prune
from autotl.graphs.tfidf import WEIGHTED

COUNTS = "counts"
_ELEMENTWISE = frozenset({"Max", "Min", "Log", "Add", "Mul", "Div", "Identity"})


@dataclass(frozen=True, eq=False)
class WordLogits:
    """Logits as weighted counts @ coefficients + offset, determined up to a constant per row.

    columns: which column of the input `counts` each weighted count is of, int (n_read,). coefficients: float64
    (n_read, n_classes). offset: float64 (n_classes,). weighting: the graph from `counts` to the tensor `weighted`.
    idf: what one occurrence weighs before rows are brought to one length, float64 (n_read,).
    """

    columns: np.ndarray
    coefficients: np.ndarray
    offset: np.ndarray
    weighting: onnx.ModelProto
    weighted: str
    idf: np.ndarray


def word_logits(model: onnx.ModelProto, n_classes: int, output: str = "probabilities") -> WordLogits | None:
    """Fold the head of a classifier on counts; None if it does not count words, or is not linear in their weights."""
    weighted = [name for node in model.graph.node for name in node.output if _is_weighted(name)]
    if len(weighted) != 1 or COUNTS not in {value.name for value in model.graph.input}:
        return None
    [name], makers = weighted, {name: node for node in model.graph.node for name in node.output if name}
    shapes, constants = shapes_of(model), constants_of(model)
    n_read, n_counts = shapes[name][-1], shapes[COUNTS][-1]
    found = affine_logits(model, [PooledStage(name, "", "avg", n_read, 1, 1, channels_first=True)], n_classes, output)
    if found is None:
        return None
    columns = _columns(name, makers, constants, n_counts)
    idf = _column_weights(makers[name], makers, constants)
    return WordLogits(columns, found.weights[name], found.offset, prune(model, [name]), name, idf)


def _is_weighted(name: str) -> bool:
    return name == WEIGHTED or name.endswith(f"/{WEIGHTED}")


def _column_weights(
    node: onnx.NodeProto, makers: Mapping[str, onnx.NodeProto], constants: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The constant that multiplies the counts of all columns, before they are divided into blocks."""
    while node.op_type != "Slice":
        node = makers[node.input[0]]
    product = makers[node.input[0]]
    return np.asarray(next(constants[source] for source in product.input if source in constants), dtype=np.float64)


def _columns(
    name: str, makers: Mapping[str, onnx.NodeProto], constants: Mapping[str, np.ndarray], n_counts: int
) -> np.ndarray:
    """Which column of `counts` each column of a tensor is computed from."""
    if name == COUNTS:
        return np.arange(n_counts)
    node = makers[name]
    sources = [source for source in node.input if source and source not in constants]
    if node.op_type == "Concat":
        return np.concatenate([_columns(source, makers, constants, n_counts) for source in node.input])
    found = _columns(sources[0], makers, constants, n_counts)
    if node.op_type == "Slice":
        start, stop = (int(constants[source].item()) for source in node.input[1:3])
        return found[start:stop]
    if node.op_type == "Gather":
        return np.asarray(found[constants[node.input[1]]])
    if node.op_type not in _ELEMENTWISE:
        raise ValueError(f"a weighted count is computed by {node.op_type}; expected what is written for TF-IDF")
    return found
