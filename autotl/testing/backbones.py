"""Conformance checks for backbones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from autotl.errors import WeightsError
from autotl.interfaces import (
    Backbone,
    Size,
)
from autotl.testing.support import doing, named, prepare_keras, require, require_sizes

SMALL: Size = (96, 128)
"""Not square: height and width that are mixed up then show."""


def check_backbone(backbone: Backbone) -> None:
    """Check names, sizes, stages, numbers and the ONNX graph; AssertionError also where the weights are not there."""
    subject = named(backbone, "backbone")
    sizes = backbone.sizes
    require_sizes(subject, sizes)
    try:
        with doing(f"{subject}: weights(False)", WeightsError):
            weights = backbone.weights(False)
    except WeightsError as error:
        require(str(error), f"{subject}: WeightsError must say which file is expected, and where")
        raise AssertionError(f"{subject}: it cannot be checked without its weights: {error}") from error
    require(Path(weights).is_file(), f"{subject}: weights(False) returned {weights}, which is not a file")
    prepare_keras()
    stages = [_check_network(subject, backbone, size) for size in (sizes[0], SMALL)]
    require(
        stages[0] == stages[1],
        f"{subject}: the stages are {stages[0]}, and {stages[1]} when built again; give the layers fixed names",
    )


def _check_network(subject: str, backbone: Backbone, size: Size) -> list[str]:
    """Build at one size, compare with the ONNX graph; returns the names of the stages."""
    import keras
    import onnxruntime

    from autotl.graphs.keras_to_onnx import to_onnx

    height, width = size
    subject = f"{subject} at {height}x{width}"
    with doing(f"{subject}: build"):
        model = backbone.build(height, width)
    require(isinstance(model, keras.Model), f"{subject}: build returned a {type(model).__name__}, no keras.Model")
    require(
        len(model.inputs) == 1 and tuple(model.inputs[0].shape) == (None, height, width, 3),
        f"{subject}: inputs are {[i.shape for i in model.inputs]}; expected one of (None, {height}, {width}, 3)",
    )
    stages = list(model.output_names)
    require(len(set(stages)) == len(stages), f"{subject}: stage names repeat: {stages}")
    pixels = np.random.default_rng(0).integers(0, 256, (3, height, width, 3)).astype("float32")
    pixels[0], pixels[1] = 0, 255
    with doing(f"{subject}: calling the model on pixels 0..255"):
        first, second = (_outputs(model, pixels) for _ in range(2))
    before = size
    for stage, one, two in zip(stages, first, second, strict=True):
        where = f"{subject}, stage {stage!r}"
        require(one.ndim == 4, f"{where}: output has shape {one.shape}; expected (n, h, w, channels)")
        require(np.isfinite(one).all(), f"{where}: not finite on pixels 0..255; is the preprocessing inside?")
        require(np.array_equal(one, two), f"{where}: the same images gave other numbers the second time")
        require(
            one.shape[1] <= before[0] and one.shape[2] <= before[1],
            f"{where}: {one.shape[1:3]} after {before}; order the stages shallow to deep",
        )
        before = one.shape[1:3]
    with doing(f"{subject}: conversion to ONNX, which computes the features,"):
        graph = to_onnx(model).SerializeToString()
        found = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(None, {"images": pixels})
    for stage, one, three in zip(stages, first, found, strict=True):
        difference = float(np.abs(one - three).max() / max(float(np.abs(one).max()), 1e-6))
        require(difference < 1e-3, f"{subject}, stage {stage!r}: ONNX differs from Keras by {difference:.1e}, relative")
    return stages


def _outputs(model: Any, pixels: np.ndarray) -> list[np.ndarray]:
    outputs = model.predict_on_batch(pixels)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]
