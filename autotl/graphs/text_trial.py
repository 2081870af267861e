"""Finds how an ONNX network of texts is read, by running it; `network_trial` calls it in a child process."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from autotl.errors import ConfigError, in_one_line
from autotl.graphs.network_files import part_for
from autotl.graphs.network_settings import NetworkSettings
from autotl.graphs.quiet_session import open_session
from autotl.graphs.text_networks import TextInput, TextReading, TextStage, inner_tensors, other_inputs

MOST_TOKENS = 256
"""Longer chunks cost more than they bring: a text of several chunks is read whole."""
_TRIED_TOKENS = (128, 64, 32, 16)
_PREFERRED = ("last_hidden_state", "token_embeddings", "sentence_embedding", "text_embeds", "sentence_embeddings")
"""What exporters of sentence encoders call the outputs that are worth reading."""
_SAID_IN = {
    "sentence_bert_config.json": "max_seq_length",
    "tokenizer_config.json": "model_max_length",
    "config.json": "max_position_embeddings",
}
_MOST_BYTES = 10_000_000
_SAFE_TOKENS = 4
"""The sample has no token of a greater number, as the smallest of tables has so many rows."""


def examine_texts(
    model: onnx.ModelProto, inputs: Sequence[TextInput], settings: NetworkSettings, file: Path
) -> TextReading:  # fmt: skip
    """Find how a network is read; raises ConfigError, with the reason, if it cannot be used. file: its file."""
    if others := other_inputs(model, inputs):
        raise ConfigError(
            f"it needs {', '.join(map(repr, others))} as well as tokens; expected 'input_ids' and, where it has them, "
            "'attention_mask' and 'token_type_ids'. Export only the part that encodes texts."
        )
    _require_free_axes(model, inputs)
    names = _outputs(model, settings)
    try:
        session = open_session(part_for(model, names))
    except Exception as error:
        raise ConfigError(f"ONNX Runtime cannot run it: {in_one_line(error)}") from error
    n_tokens, arrays = _run(session, inputs, names, most_tokens(file))
    stages = _stages(names, arrays, n_tokens, settings)
    if not settings.outputs:
        stages = (*_inner_stages(model, inputs, stages, n_tokens), *stages)
    return TextReading(tuple(inputs), stages, n_tokens)


def _inner_stages(
    model: onnx.ModelProto, inputs: Sequence[TextInput], stages: Sequence[TextStage], n_tokens: int
) -> list[TextStage]:
    """Stages inside a network that gives a vector per token at its end; none where they cannot be read."""
    tensors = inner_tensors(model)
    if tensors is None or not stages[0].per_token:
        return []
    try:
        arrays = open_session(part_for(model, tensors)).run(list(tensors), _sample(inputs, n_tokens))
    except Exception:  # it has no such part, which is not an error
        return []
    if any(array.shape != (2, n_tokens, stages[0].width) or array.dtype.kind != "f" for array in arrays):
        return []
    named = zip(tensors, ("a_third", "two_thirds"), strict=True)
    return [TextStage(tensor, name, stages[0].width, per_token=True) for tensor, name in named]


def length_files(network: Path) -> tuple[Path, ...]:
    """The files in which the most tokens that a network takes are looked for."""
    folders = [network.parent, *([network.parent.parent] if network.parent.name == "onnx" else [])]
    return tuple(folder / name for name in _SAID_IN for folder in folders)


def most_tokens(network: Path) -> int:
    """The most tokens of a chunk that files beside a network state, at most `MOST_TOKENS`."""
    found = MOST_TOKENS
    for file in length_files(network):
        try:
            document = json.loads(file.read_bytes()) if file.stat().st_size < _MOST_BYTES else {}
            value = document.get(_SAID_IN[file.name])
        except (OSError, ValueError, AttributeError, RecursionError):
            continue
        if isinstance(value, int) and value >= min(_TRIED_TOKENS):
            found = min(found, value)
    return found


def _require_free_axes(model: onnx.ModelProto, inputs: Sequence[TextInput]) -> None:
    kinds = {value.name: value.type.tensor_type for value in model.graph.input}
    for one in inputs:
        axes = [axis.dim_value if axis.dim_value > 0 else None for axis in kinds[one.name].shape.dim]
        if len(axes) != 2 or any(axes):
            shape = ", ".join(str(axis or "any") for axis in axes)
            raise ConfigError(
                f"its input {one.name!r} is of shape ({shape}); expected any number of texts of any length. Export it "
                "with dynamic_axes for both."
            )


def _outputs(model: onnx.ModelProto, settings: NetworkSettings) -> list[str]:
    declared = [value.name for value in model.graph.output]
    if settings.outputs:
        made = {name for node in model.graph.node for name in node.output if name}
        if unknown := [name for name in settings.outputs if name not in made]:
            near = difflib.get_close_matches(unknown[0], made, n=3) or declared
            raise ConfigError(
                f"{settings.file} has {unknown[0]!r} under 'outputs'; expected names of tensors, such as "
                f"{', '.join(map(repr, near))}."
            )
        return list(settings.outputs)
    return [name for name in _PREFERRED if name in declared] or declared


def _sample(inputs: Sequence[TextInput], n_tokens: int) -> dict[str, np.ndarray[Any, Any]]:
    ids = np.arange(2 * n_tokens).reshape(2, n_tokens) % _SAFE_TOKENS
    values = {"ids": ids, "mask": np.ones_like(ids), "types": np.zeros_like(ids)}
    return {one.name: values[one.kind].astype(helper.tensor_dtype_to_np_dtype(one.element)) for one in inputs}


def _run(
    session: Any, inputs: Sequence[TextInput], names: Sequence[str], most: int
) -> tuple[int, list[np.ndarray[Any, Any]]]:
    """The most tokens with which the network runs, and what it gives for two chunks of so many."""
    problem = ""
    for n_tokens in (most, *(n for n in _TRIED_TOKENS if n < most)):
        try:
            return n_tokens, session.run(list(names), _sample(inputs, n_tokens))
        except Exception as error:
            problem = problem or in_one_line(error) or type(error).__name__
    raise ConfigError(f"ONNX Runtime cannot run it on {most} tokens: {problem}")


def _stages(
    names: Sequence[str], arrays: Sequence[np.ndarray[Any, Any]], n_tokens: int, settings: NetworkSettings
) -> tuple[TextStage, ...]:
    stages = []
    for name, array in zip(names, arrays, strict=True):
        per_token = array.shape[:-1] == (2, n_tokens)
        if array.dtype.kind == "f" and (per_token or array.shape[:-1] == (2,)) and array.shape[-1] > 0:
            stages.append(TextStage(name, _stage_name(name), array.shape[-1], per_token))
        elif settings.outputs:
            raise ConfigError(f"{settings.file} has {name!r} under 'outputs', which is not a vector: {_shape(array)}")
    if not stages:
        found = ", ".join(f"{name!r} {_shape(array)}" for name, array in zip(names, arrays, strict=True))
        raise ConfigError(
            f"none of its outputs is a vector per token or per text: {found} for 2 texts of {n_tokens} tokens. Export "
            "'last_hidden_state' or 'sentence_embedding'."
        )
    return tuple(sorted(stages, key=lambda stage: not stage.per_token))


def _shape(array: np.ndarray[Any, Any]) -> str:
    return f"{array.dtype} {array.shape}"


def _stage_name(tensor: str) -> str:
    """The last part of a tensor's name that says something, without signs that a stage must not have."""
    return "".join(sign if sign.isalnum() or sign in "_." else "_" for sign in tensor).strip("_.") or "output"
