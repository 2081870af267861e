"""Compares the graph of an encoder with the file that it was built from, on random images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from autotl.errors import ConfigError
from autotl.graphs.image_inputs import ImageInput, Pixels
from autotl.graphs.image_networks import GREY, Reading, encoder_graph
from autotl.graphs.image_outputs import Stage
from autotl.graphs.network_files import OLDEST_OPSET, opset_of, part_for
from autotl.graphs.pooled_outputs import IMAGES
from autotl.graphs.quiet_session import open_session

_TOLERANCE = 1e-3
"""Relative to the largest value of a stage; a larger difference is an error of conversion, or a mixed batch."""
_N_IMAGES = 2


def run(model: onnx.ModelProto, source: str, pixels: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    names = [value.name for value in model.graph.output]
    found = open_session(model).run(names, {source: pixels})
    return {
        name: array for name, array in zip(names, found, strict=True) if isinstance(array, np.ndarray) and array.ndim
    }


def verify(file: Path, model: onnx.ModelProto, reading: Reading) -> None:
    """Raise ConfigError if the graph of the encoder does not compute what the file does."""
    size = reading.sizes[0]
    n_images = max(_N_IMAGES, reading.images.batch or 0)
    images = np.random.default_rng(0).integers(0, 256, (n_images, *size, 3), np.uint8)
    found = run(encoder_graph(model, reading, *size), IMAGES, images)
    for name, shape in reading.shapes.items():
        array = found.get(name)
        if array is None or array.shape != (n_images, *shape):
            raise ConfigError(
                f"its stage {name} has the shape {None if array is None else array.shape} for {n_images} images"
            )
        if not np.all(np.isfinite(array)):
            raise ConfigError(
                f"its stage {name} is not finite for random images: the file is damaged, or the network overflows"
            )
    _compare_with_file(file, reading, images, found)


def _compare_with_file(
    file: Path, reading: Reading, images: np.ndarray[Any, Any], found: dict[str, np.ndarray[Any, Any]]
) -> None:
    """Compare with the original graph, if it was converted or its batch was made free."""
    original = onnx.load(file)
    if opset_of(original) >= OLDEST_OPSET and reading.images.batch is None:
        return
    tensors = {name for node in original.graph.node for name in node.output}
    stages = [stage for stage in reading.stages if stage.tensor in tensors]
    if not stages:
        return
    plain = replace(reading, stages=tuple(stages))
    pixels = prepared(reading.images, reading.pixels, images)
    session = open_session(part_for(original, list(dict.fromkeys(stage.tensor for stage in stages))))
    names = [value.name for value in session.get_outputs()]
    fixed = reading.images.batch or 1
    for start in range(0, len(images) - fixed + 1, fixed):
        arrays = dict(zip(names, session.run(names, {plain.images.name: pixels[start : start + fixed]}), strict=True))
        for stage in stages:
            part = found[stage.name][start : start + fixed]
            expected = _read_out(stage, arrays[stage.tensor], part.shape)
            limit = _TOLERANCE * max(float(np.abs(expected).max()), 1e-6)
            if not np.abs(expected - part).max() <= limit:  # NaN is a difference too
                raise ConfigError(
                    f"its stage {stage.name} ({stage.tensor!r}) differs from the original after conversion to a newer "
                    f"operator set or a free batch. Export it with opset_version={OLDEST_OPSET} and a free batch axis."
                )


def prepared(images: ImageInput, pixels: Pixels, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Images, uint8 (n, height, width, 3), as the network takes them."""
    x = batch
    if images.channels == 1:
        x = np.floor(x @ GREY.astype(np.float64) + 0.5)
    elif pixels.channels == "BGR":
        x = x[..., ::-1]
    if not pixels.unchanged:
        x = (x * pixels.scale - np.array(pixels.mean)) / np.array(pixels.std)
    x = x.transpose(0, 3, 1, 2) if images.channels_first else x
    return np.ascontiguousarray(x, helper.tensor_dtype_to_np_dtype(images.element))


def _read_out(stage: Stage, array: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A tensor of the network as a stage of the given shape."""
    if stage.batch_axis == 1:
        array = array.swapaxes(0, 1)
    if stage.kind == "class token":
        array = array[:, 0]
    elif stage.kind == "tokens":
        array = array[:, stage.prefix :]
    elif stage.layout == "first":
        array = array.transpose(0, 2, 3, 1)
    return array.astype(np.float32).reshape(shape)
