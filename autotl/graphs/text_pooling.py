"""Pools the outputs of a text encoder's graph over the tokens of a chunk, and over the chunks of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autotl.graphs.network_files import opset_of
from autotl.graphs.quiet_session import open_session
from autotl.graphs.surgery import NEWEST_IR_VERSION, add_prefix, as_model

IDS, MASK, OWNER, N_TEXTS = "ids", "mask", "owner", "n_texts"
"""The inputs of a pooled graph, all int64: (n_chunks, length), the same, (n_chunks,) and a scalar."""
_INSIDE = "encoder/"
_OPSET = 17
_AXES_ARE_INPUTS = 18
"""From this operator set on, the axes of ReduceMax are an input."""
_TOLERANCE = 1e-3
"""Of the largest number in an output, between a chunk computed alone and among others."""
Array = np.ndarray[Any, Any]


def pool_text_outputs(model: onnx.ModelProto, sample: Mapping[str, Array]) -> tuple[onnx.ModelProto, dict[str, int]]:
    """A graph from chunks of tokens to two outputs per stage, `STAGE-avg` and `STAGE-max`, float32 (n_texts, width).

    avg is the mean over all tokens of a text; of a stage with one vector per chunk, the mean of the vectors weighted by
    the numbers of their tokens. max is the maximum. A text without tokens gets zeros.

    model: inputs `ids` and `mask`, int64 (n, length); outputs float32 (n, length, width) or (n, width).
    sample: `ids` and `mask` of some chunks, of different lengths, on which the model is tried.
    Returns the graph and the width of each output by name. Raises ValueError if it is not such a model, cannot be
    computed, or gives a chunk other numbers each time, among other chunks, or when it is padded.
    """
    shapes = _shapes(model, sample)
    if opset_of(model) < _OPSET:
        model = onnx.version_converter.convert_version(model, _OPSET)
    encoder = onnx.ModelProto()
    encoder.CopyFrom(model)
    # A head, or the deployable, may call its own tensors as an author has called those of the encoder.
    add_prefix(encoder.graph, _INSIDE, keep={IDS, MASK})
    pooling = _Pooling(opset_of(encoder))
    widths: dict[str, int] = {}
    for stage, shape in shapes.items():
        pooling.add_stage(_INSIDE + stage, stage, per_token=len(shape) == 3)
        widths |= {f"{stage}-avg": shape[-1], f"{stage}-max": shape[-1]}
    graph = encoder.graph
    graph.node.extend(pooling.nodes)
    graph.initializer.extend(pooling.constants)
    inputs = {IDS: ["n_chunks", "length"], MASK: ["n_chunks", "length"], OWNER: ["n_chunks"], N_TEXTS: []}
    _replace(graph.input, [helper.make_tensor_value_info(n, TensorProto.INT64, axes) for n, axes in inputs.items()])
    _replace(graph.output, [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", w]) for n, w in widths.items()])
    del graph.value_info[:]
    version = min(max(encoder.ir_version, 8), NEWEST_IR_VERSION)
    return as_model(graph, encoder.opset_import, version, encoder), widths


def _replace(values: Any, others: Sequence[onnx.ValueInfoProto]) -> None:
    del values[:]
    values.extend(others)


class _Pooling:
    """Nodes and constants that pool stages; those that all stages share are made first."""

    def __init__(self, opset: int) -> None:
        self._opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._first, second, zero, one = (
            self._constant(name, value, np.int64)
            for name, value in (("axis-1", [1]), ("axis-2", [2]), ("zero", 0), ("one", 1))
        )
        self._lowest = self._constant("lowest", np.finfo(np.float32).min, np.float32)
        self._nothing = self._constant("nothing", 0, np.float32)
        self._is_token = self._add("Unsqueeze", self._add("Cast", MASK, to=TensorProto.BOOL), second)
        mask = self._add("Cast", MASK, to=TensorProto.FLOAT)
        self._n_tokens = self._add("ReduceSum", mask, self._first, keepdims=1)  # (n_chunks, 1)
        texts = self._add("Unsqueeze", self._add("Range", zero, N_TEXTS, one), self._first)
        owned = self._add("Equal", texts, OWNER)  # (n_texts, n_chunks)
        self._owned = self._add("Unsqueeze", owned, second)
        self._shares = self._add("Cast", owned, to=TensorProto.FLOAT)
        total = self._add("MatMul", self._shares, self._n_tokens)
        self._has_tokens = self._add("Greater", total, self._nothing)
        self._total = self._add("Max", total, self._constant("least", 1, np.float32))

    def add_stage(self, tensor: str, stage: str, *, per_token: bool) -> None:
        """Pool one output of the encoder; per_token: it has a vector per token, else one per chunk."""
        if per_token:
            # Not a product with the mask: what is computed of padding alone may not be a number.
            tokens = self._add("Where", self._is_token, tensor, self._nothing)
            sums = self._add("ReduceSum", tokens, self._first, keepdims=0)
            greatest = self._greatest(self._add("Where", self._is_token, tensor, self._lowest))
        else:
            has_tokens = self._add("Greater", self._n_tokens, self._nothing)
            greatest = self._add("Where", has_tokens, tensor, self._nothing)
            sums = self._add("Mul", greatest, self._n_tokens)
        mean = self._add("Div", self._add("MatMul", self._shares, sums), self._total)
        most = self._greatest(self._add("Where", self._owned, greatest, self._lowest))
        self.nodes += [
            helper.make_node("Identity", [mean], [f"{stage}-avg"]),
            helper.make_node("Where", [self._has_tokens, most, self._nothing], [f"{stage}-max"]),
        ]

    def _greatest(self, tensor: str) -> str:
        """The maximum over the second of three axes."""
        if self._opset >= _AXES_ARE_INPUTS:
            return self._add("ReduceMax", tensor, self._first, keepdims=0)
        return self._add("ReduceMax", tensor, axes=[1], keepdims=0)

    def _add(self, op: str, *inputs: str, **attributes: Any) -> str:
        output = f"pooling/{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def _constant(self, name: str, value: Any, kind: type[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), f"pooling/constant-{name}"))
        return str(self.constants[-1].name)


def _shapes(model: onnx.ModelProto, sample: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    """The shape of each output, found by computing the sample, which no description of a graph is as sure as."""
    inputs = {value.name for value in model.graph.input}
    if inputs != {IDS, MASK}:
        raise ValueError(f"its graph has the inputs {sorted(inputs)}; expected {IDS!r} and {MASK!r}")
    names = [value.name for value in model.graph.output]
    if not names:
        raise ValueError("its graph has no output")
    n_chunks, length = sample[IDS].shape
    shortest = int(sample[MASK].sum(axis=1).argmin())
    n_tokens = int(sample[MASK][shortest].sum())
    one = {name: sample[name][shortest : shortest + 1, :n_tokens] for name in (IDS, MASK)}
    try:
        session = open_session(model)
        found = session.run(names, {name: sample[name] for name in (IDS, MASK)})
        alone, again = session.run(names, one), session.run(names, one)
    except Exception as error:  # ONNX Runtime raises its own kinds
        raise ValueError(f"its graph cannot be computed: {error}") from error
    for name, array in zip(names, found, strict=True):
        fits = array.shape[:-1] in ((n_chunks,), (n_chunks, length)) and array.dtype == np.float32
        if not fits:
            raise ValueError(
                f"its output {name!r} is {array.dtype} {array.shape} for {n_chunks} chunks of {length} tokens; "
                "expected float32 (n, n_features) or (n, length, n_features)"
            )
    for name, whole, *arrays in zip(names, found, alone, again, strict=True):
        among = whole[shortest : shortest + 1]
        _require_of_the_text(name, among[:, :n_tokens] if among.ndim == 3 else among, *arrays)
    return {name: array.shape for name, array in zip(names, found, strict=True)}


def _require_of_the_text(name: str, among: Array, alone: Array, again: Array) -> None:
    """Raise ValueError if an output depends on more than the text."""
    expected = "expected numbers that depend on the text only"
    if not _close(alone, again):
        raise ValueError(f"its output {name!r} is another each time it is computed; {expected}")
    if not _close(alone, among):
        raise ValueError(
            f"its output {name!r} is another for a text alone than for the same text padded among others; {expected}"
        )


def _close(one: Array, other: Array) -> bool:
    limit = _TOLERANCE * float(np.abs(one, where=np.isfinite(one), out=np.zeros_like(one)).max(initial=0.0))
    return one.shape == other.shape and np.allclose(one, other, rtol=0, atol=limit, equal_nan=True)
