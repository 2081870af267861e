"""PyTorch networks with their weights, written as ONNX by PyTorch's own exporter; runs in the child process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autotl.errors import ConfigError, WeightsError, in_one_line

OPSET = 18
_N_IMAGES = 2
_TOLERANCE = 1e-3
_LARGER, _LARGEST_NATIVE = 1.4, 380


def write_network(network: Any, images: Any, file: Path, *, source: str, outputs: Sequence[str]) -> None:
    """Export a network for any number of images and check it with ONNX Runtime.

    images: (n, ...) the kind of input that it takes; source: the input's name. Raises ConfigError if PyTorch cannot
    export it, or the graph does not compute the same.
    """
    import torch

    example = images[:_N_IMAGES]
    try:
        program = torch.onnx.export(
            network, (example,), dynamo=True, dynamic_shapes=({0: torch.export.Dim.DYNAMIC},), input_names=[source],
            output_names=list(outputs), opset_version=OPSET, verbose=False,
        )  # fmt: skip
        program.save(str(file), external_data=False)
    except Exception as error:  # PyTorch's exporter raises its own kinds
        raise ConfigError(
            f"PyTorch {torch.__version__} cannot export it to ONNX: {in_one_line(error.__cause__ or error)}. Choose "
            "another model."
        ) from error
    with torch.no_grad():
        expected = network(images)
    expected = expected if isinstance(expected, tuple) else (expected,)
    _require_same(file, source, images.numpy(), [one.numpy() for one in expected])


def _require_same(file: Path, source: str, images: np.ndarray, expected: Sequence[np.ndarray]) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    for found, wanted in zip(session.run(None, {source: images}), expected, strict=True):
        difference = float(np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-6))
        if found.shape != wanted.shape or not difference <= _TOLERANCE:
            raise ConfigError(
                f"the exported graph does not compute what the network computes: a difference of {difference:.1g} of "
                f"the largest value, expected at most {_TOLERANCE:g}. Choose another model."
            )


def sizes_taken(native: int, runs: Callable[[int], object]) -> list[tuple[int, int]]:
    """The native size, and a larger one where the network runs on it; `runs(size)` raises where it does not."""
    sizes = [(native, native)]
    larger = 32 * round(_LARGER * native / 32)
    if native < _LARGEST_NATIVE:  # a larger one takes minutes per thousand images on a CPU
        try:
            runs(larger)
            sizes.append((larger, larger))
        except Exception:  # whatever the network raises
            return sizes
    return sizes


def read_weights(file: Path) -> dict[str, Any]:
    """The tensors in a file by name; raises WeightsError if it holds anything else."""
    import torch

    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(str(file)))
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zip's and safetensors' own kinds
        raise WeightsError(
            f"{file} cannot be read ({type(error).__name__}). Expected a file of tensors alone; nothing else is "
            "unpickled: save the network's state_dict() with safetensors or torch.save."
        ) from None
    for key in ("state_dict", "model"):
        found = found.get(key, found) if isinstance(found, dict) else found
    tensors = isinstance(found, dict) and found and all(isinstance(one, torch.Tensor) for one in found.values())
    if not tensors:
        raise WeightsError(f"{file} holds no weights; expected tensors by name, as state_dict() returns them.")
    return {str(name).removeprefix("module."): one for name, one in found.items()}


def load_weights(network: Any, tensors: dict[str, Any], origin: object) -> None:
    """Give a network all its weights; raises WeightsError if one is missing, left over or of another shape."""
    try:
        network.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        problem = " ".join(line.strip() for line in str(error).splitlines()[1:3]) or str(error)
        raise WeightsError(f"{origin} is of another network: {in_one_line(problem)}") from None
