"""Detects linear heads in ONNX graphs, and folds each into the weights that turn pooled features into logits.

Scalers, principal components, the head itself, its calibration and the temperature are folded into one matrix per
pooled stage, in double precision. The module knows which ONNX operations are affine, not the kinds of heads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from autotl.graphs.pooled_stages import PooledStage, attributes_of, constants_of, head_of, shapes_of

_KEPT = frozenset({"Identity", "Cast", "Flatten", "Squeeze", "Reshape", "Dropout"})
"""Operations that do not change the columns of a pooled stage that is already a row."""
_OF_PROBABILITIES = frozenset({"Identity", "Cast", "Clip", "Normalizer", "Dropout"})
"""Operations that leave the output of a softmax unchanged, except for rounding."""

Gradients = dict[str, np.ndarray]
"""By tensor: how each logit depends on its columns, float64 (n_columns, n_classes)."""


@dataclass(frozen=True, eq=False)
class AffineLogits:
    """Logits as the sum over pooled stages of features @ weights, plus an offset.

    weights: by the stage's tensor, float64 (channels, n_classes). offset: float64 (n_classes,). The softmax of the
    logits gives the classifier's probabilities; logits are determined up to a constant per row.
    """

    weights: Mapping[str, np.ndarray]
    offset: np.ndarray

    def __call__(self, features: Mapping[str, np.ndarray]) -> np.ndarray:
        """Logits, float64 (n, n_classes). features: by the stage's tensor, (n, channels, ...)."""
        parts = [features[name].reshape(len(features[name]), -1) @ matrix for name, matrix in self.weights.items()]
        return np.asarray(np.sum(parts, axis=0) + self.offset)


class _NotAffine(Exception):  # noqa: N818, a result rather than an error
    """An operation is not affine."""


def affine_logits(
    model: onnx.ModelProto, stages: Sequence[PooledStage], n_classes: int, output: str = "probabilities"
) -> AffineLogits | None:
    """Fold everything between the pooled stages and the last softmax; None if something there is not affine.

    The graph is traversed backwards, like a gradient, so that no matrix is wider than the number of classes.
    """
    makers = {name: node for node in model.graph.node for name in node.output if name}
    walk = _Walk.begin(model, n_classes)
    try:
        node = _softmax_behind(output, makers)
        if node.op_type == "Softmax":
            walk.add(node.input[0], np.eye(n_classes))
        else:
            walk.linear_classifier(node, np.eye(n_classes))
        weights = _to_the_stages(model, stages, walk)
    except _NotAffine:
        return None
    return AffineLogits(weights, walk.offset)


def pull_back(
    model: onnx.ModelProto, stages: Sequence[PooledStage], gradients: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Gradients with respect to the pooled stages, (channels, k), from those of later tensors, (n_columns, k).

    Raises ValueError if an operation between them is not affine.
    """
    walk = _Walk.begin(model, next(iter(gradients.values())).shape[1])
    walk.gradients.update(gradients)
    try:
        return _to_the_stages(model, stages, walk)
    except _NotAffine:
        raise ValueError("the operations after the pooled stages are not affine") from None


def affine_frontier(model: onnx.ModelProto, stages: Sequence[PooledStage], output: str = "probabilities") -> list[str]:
    """The tensors where a head's affine part ends, at most one matrix product deep, and which its rest reads."""
    constants, reached = constants_of(model), {stage.tensor for stage in stages}
    multiplied: set[str] = set()
    frontier: dict[str, None] = {}
    needed = {name for node in head_of(model, sorted(reached), output).graph.node for name in node.output}
    for node in model.graph.node:
        read = [name for name in node.input if name and name not in constants]
        if not needed.intersection(node.output) or not set(read) & (reached | multiplied):
            continue
        steps = node.op_type in _KEPT or node.op_type in _STEPS
        bilinear = node.op_type in ("Mul", "Div", "Gemm", "MatMul") and len(read) > 1
        if not steps or bilinear or not set(read) <= reached:
            frontier.update(dict.fromkeys(name for name in read if name in reached | multiplied))
        elif node.op_type in ("Gemm", "MatMul"):
            multiplied.update(node.output)
        else:
            reached.update(node.output)
    return list(frontier)


def _to_the_stages(model: onnx.ModelProto, stages: Sequence[PooledStage], walk: _Walk) -> Gradients:
    """Propagate gradients back through the graph until only those of the pooled stages are left."""
    makers = {name: node for node in model.graph.node for name in node.output if name}
    sizes = {stage.tensor: stage.channels for stage in stages}
    for node in reversed(model.graph.node):
        for name in node.output:
            if name in walk.gradients and name not in sizes:
                walk.back(node, walk.gradients.pop(name), makers)
    if not walk.gradients or any(len(matrix) != sizes.get(name) for name, matrix in walk.gradients.items()):
        raise _NotAffine
    return walk.gradients


def _softmax_behind(name: str, makers: Mapping[str, onnx.NodeProto]) -> onnx.NodeProto:
    """The softmax whose output a tensor holds."""
    node = makers.get(name)
    while node is not None:
        if node.op_type == "Softmax" or (node.op_type == "LinearClassifier" and _is_softmax(node)):
            return node
        if node.op_type not in _OF_PROBABILITIES:
            break
        node = makers.get(node.input[0])
    raise _NotAffine


def _is_softmax(node: onnx.NodeProto) -> bool:
    """Whether a LinearClassifier returns a softmax, or its equivalent for two classes with opposite margins."""
    attributes = attributes_of(node)
    kind = attributes.get("post_transform", b"NONE")
    return kind == b"SOFTMAX" or (kind == b"LOGISTIC" and len(attributes["intercepts"]) == 2)  # type: ignore[arg-type]


@dataclass
class _Walk:
    """Backward traversal from the logits.

    widths: the number of columns of a tensor, by name. offset: what constants on the way add to the logits.
    """

    constants: Mapping[str, np.ndarray]
    widths: Mapping[str, int]
    gradients: Gradients
    offset: np.ndarray

    @classmethod
    def begin(cls, model: onnx.ModelProto, n_classes: int) -> _Walk:
        widths = {name: math.prod(shape[1:]) for name, shape in shapes_of(model).items()}
        return cls(constants_of(model), widths, {}, np.zeros(n_classes))

    def add(self, name: str, gradient: np.ndarray) -> None:
        if name in self.constants:
            self.offset = self.offset + self._row(name, len(gradient)) @ gradient
        else:
            self.gradients[name] = self.gradients.get(name, 0) + gradient

    def back(self, node: onnx.NodeProto, gradient: np.ndarray, makers: Mapping[str, onnx.NodeProto]) -> None:
        """Pass the gradient of a node's output on to its inputs."""
        if node.op_type in _KEPT:
            self.add(node.input[0], gradient)
            return
        if node.op_type == "Log":  # the log of a softmax is its logits, up to a constant per row
            softmax = _softmax_behind(node.input[0], makers)
            if softmax.op_type == "Softmax":
                self.add(softmax.input[0], gradient)
            else:
                self.linear_classifier(softmax, gradient)
            return
        step = _STEPS.get(node.op_type)
        if step is None:
            raise _NotAffine
        step(self, node, gradient)

    def linear_classifier(self, node: onnx.NodeProto, gradient: np.ndarray) -> None:
        attributes = attributes_of(node)
        coefficients = np.asarray(attributes["coefficients"], np.float64).reshape(len(gradient), -1).T
        intercepts = np.asarray(attributes["intercepts"], np.float64)
        if attributes.get("post_transform") == b"LOGISTIC":  # p and 1 - p, from one margin
            coefficients, intercepts = coefficients / 2, intercepts / 2
        self.offset = self.offset + intercepts @ gradient
        self.add(node.input[0], coefficients @ gradient)

    def gemm(self, node: onnx.NodeProto, gradient: np.ndarray) -> None:
        attributes = attributes_of(node)
        matrix = self._constant(node.input[1])
        if attributes.get("transA") or matrix.ndim != 2:
            raise _NotAffine
        matrix = matrix.T if attributes.get("transB") else matrix
        if len(node.input) > 2 and node.input[2]:
            beta = float(attributes.get("beta", 1.0))  # type: ignore[arg-type]
            self.add(node.input[2], beta * gradient)
        self.add(node.input[0], float(attributes.get("alpha", 1.0)) * matrix @ gradient)  # type: ignore[arg-type]

    def sums(self, node: onnx.NodeProto, gradient: np.ndarray) -> None:
        for name in node.input:
            self.add(name, gradient)

    def difference(self, node: onnx.NodeProto, gradient: np.ndarray) -> None:
        self.add(node.input[0], gradient)
        self.add(node.input[1], -gradient)

    def product(self, node: onnx.NodeProto, gradient: np.ndarray) -> None:
        name, factor = node.input[0], node.input[1]
        if name in self.constants:
            name, factor = factor, name
        self.add(name, self._row(factor, len(gradient))[:, None] * gradient)

    def quotient(self, node: onnx.NodeProto, gradient: np.ndarray) -> None:
        self.add(node.input[0], gradient / self._row(node.input[1], len(gradient))[:, None])

    def scaler(self, node: onnx.NodeProto, gradient: np.ndarray) -> None:
        attributes = attributes_of(node)
        scale = np.broadcast_to(np.asarray(attributes["scale"], np.float64), len(gradient))[:, None] * gradient
        self.offset = self.offset - np.broadcast_to(np.asarray(attributes["offset"]), len(gradient)) @ scale
        self.add(node.input[0], scale)

    def normalisation(self, node: onnx.NodeProto, gradient: np.ndarray) -> None:
        scale, shift, mean, variance = (self._constant(name) for name in node.input[1:5])
        factor = scale / np.sqrt(variance + float(attributes_of(node).get("epsilon", 1e-5)))  # type: ignore[arg-type]
        self.offset = self.offset + (shift - mean * factor) @ gradient
        self.add(node.input[0], factor[:, None] * gradient)

    def concatenation(self, node: onnx.NodeProto, gradient: np.ndarray) -> None:
        widths = [self.widths.get(name, 0) for name in node.input]
        if 0 in widths or sum(widths) != len(gradient):
            raise _NotAffine
        for name, part in zip(node.input, np.split(gradient, np.cumsum(widths)[:-1]), strict=True):
            self.add(name, part)

    def _constant(self, name: str) -> np.ndarray:
        if name not in self.constants:
            raise _NotAffine
        return self.constants[name].astype(np.float64)

    def _row(self, name: str, width: int) -> np.ndarray:
        """A constant broadcast to the columns of a row."""
        value = self._constant(name)
        if value.size not in (1, width):
            raise _NotAffine
        return np.broadcast_to(value.ravel(), width)


_STEPS: dict[str, Callable[[_Walk, onnx.NodeProto, np.ndarray], None]] = {
    "Gemm": _Walk.gemm, "MatMul": _Walk.gemm, "Add": _Walk.sums, "Sum": _Walk.sums, "Sub": _Walk.difference,
    "Mul": _Walk.product, "Div": _Walk.quotient, "Scaler": _Walk.scaler, "BatchNormalization": _Walk.normalisation,
    "Concat": _Walk.concatenation,
}  # fmt: skip
