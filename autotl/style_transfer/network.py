"""A backbone's Keras network, at the size of an image, as a function that reads its stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autotl.errors import AutoTLError, ConfigError, in_one_line
from autotl.features.frozen_network import require_stages, stage_outputs
from autotl.interfaces import Backbone, Size


def build_frozen(backbone: Backbone, size: Size) -> Any:
    """The network for images of one size; nothing in it is trained. Raises ConfigError where it cannot be built."""
    try:
        model = backbone.build(*size)
    except (AutoTLError, MemoryError):
        raise
    except Exception as error:
        raise ConfigError(
            f"the backbone {backbone.name!r} cannot be built for an image of {size[0]}x{size[1]} pixels: "
            f"{in_one_line(error)}. Give another --size, or another --backbone."
        ) from error
    require_stages(backbone, model)
    model.trainable = False
    return model


def stage_strides(model: Any) -> dict[str, float]:
    """How many pixels of the image a position of each stage stands for, by side; shallow to deep."""
    height, width = model.inputs[0].shape[1:3]
    return {
        name: max(height / output.shape[1], width / output.shape[2]) for name, output in stage_outputs(model).items()
    }


def stage_reader(model: Any, names: Sequence[str]) -> Callable[[Any], dict[str, Any]]:
    """A function from pixels 0 to 255, (n, height, width, 3), to the activations of some stages, by name."""
    import keras

    outputs = stage_outputs(model)
    part = keras.Model(model.input, {name: outputs[name] for name in names})

    def read(pixels: Any) -> dict[str, Any]:
        return dict(part(pixels, training=False))

    return read
