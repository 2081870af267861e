"""Reads an ONNX file as a graph that others can be joined to: one file, no functions, a recent operator set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import onnx
import onnx.inliner
from onnx import TensorProto, helper

from autotl.errors import ConfigError, in_one_line
from autotl.graphs.surgery import tensors_needed

OLDEST_OPSET = 17
"""The operator set of the graphs that are joined to it (`keras_to_onnx.OPSET`)."""
MOST_BYTES = 2**31 - 2**24
"""A graph is one protocol buffer message, which must be smaller than 2 GiB."""
TOO_LARGE = "its weights take more than 2 GB, the most that a graph can hold. Export it in 16-bit precision."
_LARGE = 64
_WEIGHTS_ARE_NO_INPUTS = 4
"""From this IR version on, weights need not be listed among the inputs."""
_ORIGIN = {
    "licence": ("license", "licence", "model_license"),
    "author": ("author", "authors", "model_author", "creator"),
    "source": ("source", "url", "homepage", "repository", "docs"),
}
_ITS_OWN = ("", "ai.onnx")


def load_network(file: Path) -> onnx.ModelProto:
    """Read the graph in a file, with external weights; raises ConfigError, with the reason, if it cannot be used."""
    if file.stat().st_size == 0:
        raise ConfigError("the file is empty")
    try:
        model = onnx.load(file, load_external_data=False)
    except Exception as error:
        raise ConfigError(f"it is not an ONNX file, or it is incomplete: {in_one_line(error)}") from error
    if not model.graph.node:
        raise ConfigError("it is not an ONNX file, or it is incomplete: its graph has no nodes")
    _load_weights_beside(model, file)
    try:
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
        onnx.checker.check_model(without_weights(model))
    except Exception as error:
        raise ConfigError(f"its graph is not valid: {in_one_line(error)}") from error
    if model.ByteSize() > MOST_BYTES:
        raise ConfigError(TOO_LARGE)
    return _converted(model)


def _locations(model: onnx.ModelProto) -> list[str]:
    return [
        entry.value
        for tensor in model.graph.initializer
        if tensor.data_location == TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    ]


def weights_files(file: Path) -> tuple[Path, ...]:
    """The files in which the weights of a network are, if not in its own; none where it cannot be read.

    Those that lie outside its folder, which ONNX does not read, are left out.
    """
    try:
        model = onnx.load(file, load_external_data=False)
    except Exception:  # `load_network` gives the reason
        return ()
    names = [PurePosixPath(name) for name in dict.fromkeys(_locations(model))]
    return tuple(file.parent / name for name in names if not name.is_absolute() and ".." not in name.parts)


def _load_weights_beside(model: onnx.ModelProto, file: Path) -> None:
    names = dict.fromkeys(_locations(model))
    if missing := [name for name in names if not (file.parent / name).is_file()]:
        raise ConfigError(
            f"its weights are in the file {missing[0]!r}, which is not in the same folder. Copy that file too."
        )
    if sum((file.parent / name).stat().st_size for name in names) > MOST_BYTES:
        raise ConfigError(TOO_LARGE)
    try:
        onnx.load_external_data_for_model(model, str(file.parent))
    except Exception as error:
        raise ConfigError(f"its weights cannot be read from {', '.join(names)}: {in_one_line(error)}") from error


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX' own operators that a graph uses."""
    return next((entry.version for entry in model.opset_import if entry.domain in _ITS_OWN), 1)


def _converted(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph, converted if its operator set is too old; operators of other domains stay as they are."""
    version = opset_of(model)
    if version >= OLDEST_OPSET:
        return model
    # The converter copies the model twice, and knows fewer types of weights than there are.
    light = without_weights(model)
    try:
        light = onnx.version_converter.convert_version(light, OLDEST_OPSET)
    except Exception as error:
        raise ConfigError(
            f"its operator set {version} cannot be converted to {OLDEST_OPSET}: {in_one_line(error)}. Export it with "
            f"opset_version={OLDEST_OPSET} or later."
        ) from error
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    inputs = [value for value in light.graph.input if value.name not in weights]
    del light.graph.input[:]
    light.graph.input.extend(inputs)
    kept = {tensor.name for tensor in light.graph.initializer}
    light.graph.initializer.extend(tensor for name, tensor in weights.items() if name not in kept)
    del light.opset_import[:]
    light.opset_import.append(helper.make_opsetid("", OLDEST_OPSET))
    light.opset_import.extend(entry for entry in model.opset_import if entry.domain not in _ITS_OWN)
    del light.metadata_props[:]
    light.metadata_props.extend(model.metadata_props)
    light.ir_version = max(model.ir_version, 8)
    return light


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which large weights are replaced by inputs without values."""
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    light = onnx.ModelProto()
    light.opset_import.extend(model.opset_import)
    large = [tensor for tensor in graph.initializer if np.prod(tensor.dims, dtype=float) > _LARGE]
    light.graph.name = graph.name or "network"
    light.graph.node.extend(graph.node)
    light.graph.input.extend(value for value in graph.input if value.name not in weights)
    light.graph.input.extend(helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in large)
    light.graph.output.extend(graph.output)
    for value in light.graph.output:
        value.type.tensor_type.shape.SetInParent()  # the checker wants one, ONNX Runtime does not
    small = [tensor for tensor in graph.initializer if np.prod(tensor.dims, dtype=float) <= _LARGE]
    light.graph.initializer.extend(small)
    light.graph.sparse_initializer.extend(graph.sparse_initializer)
    light.ir_version = max(model.ir_version, _WEIGHTS_ARE_NO_INPUTS)
    return light


def part_for(model: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto:
    """The part of a graph that computes some tensors, with these as outputs; the runtime infers their types."""
    needed = tensors_needed(model.graph, outputs)
    part = onnx.ModelProto()
    part.opset_import.extend(model.opset_import)
    part.functions.extend(model.functions)
    part.ir_version = max(model.ir_version, _WEIGHTS_ARE_NO_INPUTS)
    graph = part.graph
    graph.name = model.graph.name or "network"
    graph.node.extend(node for node in model.graph.node if needed.intersection(node.output))
    graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in needed)
    graph.sparse_initializer.extend(t for t in model.graph.sparse_initializer if t.values.name in needed)
    weights = {tensor.name for tensor in graph.initializer}
    graph.input.extend(v for v in model.graph.input if v.name in needed and v.name not in weights)
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    return part


def metadata(model: onnx.ModelProto) -> dict[str, str]:
    """The "licence", "author" and "source" that a file states, each in one line."""
    said = {entry.key.strip().lower(): in_one_line(entry.value) for entry in model.metadata_props}
    found = {key: next((said[name] for name in names if said.get(name)), "") for key, names in _ORIGIN.items()}
    return {key: text for key, text in found.items() if text}


def describe_domains(model: onnx.ModelProto) -> list[str]:
    """The domains of operators that are not in the ONNX standard."""
    return sorted({node.domain for node in model.graph.node if node.domain not in _ITS_OWN})


def tensor_value(model: onnx.ModelProto, name: str) -> Any:
    """The value of a tensor; None if it is not constant."""
    for tensor in model.graph.initializer:
        if tensor.name == name:
            return onnx.numpy_helper.to_array(tensor)
    for node in model.graph.node:
        if name in node.output and node.op_type == "Constant":
            value = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            kept = next(iter(value.values()), None)
            return onnx.numpy_helper.to_array(kept) if isinstance(kept, onnx.TensorProto) else np.asarray(kept)
    return None
