"""Finds the image input of an ONNX graph, and how its pixels must be normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from autotl.errors import ConfigError
from autotl.graphs.network_files import tensor_value
from autotl.graphs.network_settings import NetworkSettings

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of pixels 0..1, R, G, B: what most networks of photographs were trained with."""
_ELEMENTS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.DOUBLE)
_PASSED = ("Identity", "Cast", "Dropout")
_ARITHMETIC = ("Add", "Sub", "Mul", "Div")


@dataclass(frozen=True)
class ImageInput:
    """The input for images.

    element: its type, as TensorProto has it. channels_first: (n, channels, height, width), else the channels are last.
    batch, height, width: None if the graph takes any.
    """

    name: str
    element: int
    channels: int
    channels_first: bool
    batch: int | None
    height: int | None
    width: int | None

    def shape(self, batch: int | str, height: int | str, width: int | str) -> list[int | str]:
        """Its axes for a batch and size."""
        space: list[int | str] = [height, width]
        return [batch, self.channels, *space] if self.channels_first else [batch, *space, self.channels]


@dataclass(frozen=True)
class Pixels:
    """The network is given (pixel * scale - mean) / std, for pixels of 0..255 in the order of `channels`.

    said: how this was found, as a phrase. assumed: neither settings nor graph say so.
    """

    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: str
    said: str
    assumed: bool = False

    @property
    def unchanged(self) -> bool:
        """Whether pixels are not changed."""
        return self.scale == 1 and set(self.mean) == {0.0} and set(self.std) == {1.0}


def find_image_input(model: onnx.ModelProto, settings: NetworkSettings) -> ImageInput:
    """The only input that fits images; raises ConfigError, listing the inputs, if there is none or more than one."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    fitting = [found for value in inputs if (found := _as_images(model, value, settings)) is not None]
    if len(fitting) == 1:
        return fitting[0]
    inputs_found = "; ".join(_described(value) for value in inputs[:6]) or "none"
    count = "more than one of its inputs takes images" if fitting else "none of its inputs takes images"
    raise ConfigError(
        f"{count}: {inputs_found}. Expected one of four axes, float32, float16 or uint8, (n, channels, height, "
        "width) or (n, height, width, channels) with 3 channels or 1."
    )


def _as_images(model: onnx.ModelProto, value: onnx.ValueInfoProto, settings: NetworkSettings) -> ImageInput | None:
    kind = value.type.tensor_type
    if kind.elem_type not in _ELEMENTS:
        return None
    axes: list[int | None] = [_length(d) for d in kind.shape.dim]
    if len(axes) != 4:
        return None
    found = _from_layout(settings.layout, axes) or _from_axes(axes)
    expected = _from_readers(model, value.name)
    if None in (axes[1], axes[3]) and expected and not settings.layout:
        found = expected
    if found is None:
        return None
    channels, first = found
    if channels is None:
        channels = expected[0] if expected and expected[1] == first else 3
    if channels not in (1, 3):
        return None
    batch, height, width = (axes[0], axes[2], axes[3]) if first else (axes[0], axes[1], axes[2])
    return ImageInput(value.name, kind.elem_type, channels, first, batch, height, width)


def _length(axis: onnx.TensorShapeProto.Dimension) -> int | None:
    """None if it is free, for which some converters write -1."""
    return axis.dim_value if axis.dim_value > 0 else None


def _from_layout(layout: str, axes: Sequence[int | None]) -> tuple[int | None, bool] | None:
    return (axes[1 if layout == "NCHW" else 3], layout == "NCHW") if layout else None


def _from_axes(axes: Sequence[int | None]) -> tuple[int | None, bool] | None:
    """Channels, and whether they come first, by the lengths of the axes."""
    first, last = axes[1] in (1, 3), axes[3] in (1, 3)
    if first and not (last and (axes[2] or 0) > 3):
        return axes[1], True
    return (axes[3], False) if last else None


def _from_readers(model: onnx.ModelProto, name: str) -> tuple[int, bool] | None:
    """The same, from the first convolution, if only arithmetic and transpositions come before it."""
    last = False
    for _ in range(12):
        readers = [node for node in model.graph.node if name in node.input]
        node = readers[0] if readers else None
        if node is None:
            return None
        if node.op_type == "Conv":
            groups = next((a.i for a in node.attribute if a.name == "group"), 1)
            shape = next((t.dims for t in model.graph.initializer if t.name == node.input[1]), None)
            if shape is None and (value := tensor_value(model, node.input[1])) is not None:
                shape = value.shape
            return (int(shape[1]) * groups, not last) if shape is not None and len(shape) == 4 else None
        if node.op_type == "Transpose":
            last = last or list(helper.get_node_attr_value(node, "perm")) == [0, 3, 1, 2]
        elif node.op_type not in (*_PASSED, *_ARITHMETIC, "BatchNormalization", "Pad"):
            return None
        name = node.output[0]
    return None


def _described(value: onnx.ValueInfoProto) -> str:
    kind = value.type.tensor_type
    element = TensorProto.DataType.Name(kind.elem_type).lower() if kind.elem_type else "no tensor"
    axes = ", ".join(str(d.dim_value or d.dim_param or "any") for d in kind.shape.dim)
    return f"{value.name!r} {element} ({axes})"


def find_pixels(model: onnx.ModelProto, images: ImageInput, settings: NetworkSettings) -> Pixels:
    """The normalisation: that of the settings, else what the first nodes imply, else the usual one, assumed."""
    grey = images.channels == 1
    order = settings.channels or ("grey" if grey else "RGB")
    if (order == "grey") != grey:
        raise ConfigError(
            f"{settings.file} has {order!r} under 'channels'; the input {images.name!r} has {images.channels}."
        )
    if settings.normalises:
        mean = _for_channels(settings, settings.mean or (0.0,), images.channels)
        std = _for_channels(settings, settings.std or (1.0,), images.channels)
        name = settings.file.name if settings.file else "settings"
        return Pixels(settings.pixel_scale, mean, std, order, f"as {name} says")
    plain = Pixels(1.0, (0.0,), (1.0,), order, "the network takes pixels of 0 to 255")
    if images.element == TensorProto.UINT8:
        return plain
    inside = _normalised_inside(model, images)
    if inside is not None:
        top, reverse = inside
        order = "BGR" if reverse and not settings.channels else order
        if top == 1:
            return replace(plain, scale=1 / 255, channels=order, said="the network normalises pixels of 0 to 1")
        return replace(plain, channels=order, said="the network normalises pixels of 0 to 255")
    if grey:
        return replace(plain, scale=1 / 255, said="pixels of 0 to 1 are assumed", assumed=True)
    said = f"the mean and standard deviation of ImageNet in {order} are assumed, which most networks use"
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    if order == "BGR":
        mean, std = mean[::-1], std[::-1]
    return Pixels(1 / 255, mean, std, order, said, assumed=True)


def _for_channels(settings: NetworkSettings, numbers: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(numbers) in (1, channels):
        return numbers
    if len(set(numbers)) == 1:
        return numbers[:1]
    raise ConfigError(f"{settings.file} has {len(numbers)} means or deviations; the network has {channels} channel.")


def _normalised_inside(model: onnx.ModelProto, images: ImageInput) -> tuple[int, bool] | None:
    """The largest pixel that the first nodes expect, 1 or 255, and whether they have ImageNet's means as B, G, R.

    None if there is no arithmetic, or if it fits neither range.
    """
    scale, offset, steps = np.ones(1), np.zeros(1), 0
    name, axis = images.name, 1 if images.channels_first else 3
    while True:
        readers = [node for node in model.graph.node if name in node.input]
        if len(readers) != 1:
            break
        node = readers[0]
        if node.op_type == "Transpose":
            axis = list(helper.get_node_attr_value(node, "perm")).index(axis)
        elif node.op_type not in _PASSED:
            step = _affine_step(model, node, name, axis)
            if step is None:
                break
            scale, offset, steps = scale * step[0], offset * step[0] + step[1], steps + 1
        name = node.output[0]
    if not steps or not np.all(np.isfinite(scale)) or np.any(scale == 0):
        return None
    middle, spread = -offset / scale, float(np.mean(np.abs(1 / scale)))
    centre = float(np.mean(middle))
    if spread >= 8 or centre >= 2:
        top = 255
    elif 0.2 <= centre <= 0.8 and 0.1 <= spread <= 2:
        top = 1
    else:
        return None
    usual, given = np.array(IMAGENET_MEAN), middle / top
    reverse = given.size == 3 and np.abs(given - usual[::-1]).sum() + 0.02 < np.abs(given - usual).sum()
    return top, bool(reverse)


def _affine_step(
    model: onnx.ModelProto, node: onnx.NodeProto, name: str, axis: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Scale and offset of a node that computes x * scale + offset, one or one per channel; None for other nodes."""
    if node.op_type == "BatchNormalization":
        values = [tensor_value(model, one) for one in node.input[1:5]]
        if axis != 1 or any(value is None for value in values):
            return None
        gamma, beta, mean, variance = (np.asarray(value, np.float64) for value in values)
        epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
        slope = gamma / np.sqrt(variance + epsilon)
        return slope, beta - slope * mean
    if node.op_type not in _ARITHMETIC or len(node.input) != 2:
        return None
    first = node.input[0] == name
    value = tensor_value(model, node.input[1 if first else 0])
    if value is None or value.size not in (1, 3):
        return None
    padded = (1,) * (4 - value.ndim) + value.shape
    if value.size == 3 and (len(padded) != 4 or padded[axis] != 3):
        return None
    constant, one = np.asarray(value, np.float64).reshape(-1), np.ones(1)
    match node.op_type:
        case "Add":
            return one, constant
        case "Sub":
            return (one, -constant) if first else (-one, constant)
        case "Mul":
            return constant, np.zeros(1)
        case _:
            return (1 / constant, np.zeros(1)) if first and np.all(constant) else None
