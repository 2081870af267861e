"""How each layer of Keras is written as ONNX nodes; a layer of your own brings a method that does it.

A writer is a function `(graph, layer, call) -> Value` (or several values, for a layer with several outputs).
It reads the layer's settings and weights, adds nodes to `graph`, and returns where its result is. In a layer of your
own it is the method `write_onnx`, which comes before what is known of a layer with the name of its class:

    class Scale(keras.layers.Layer):
        def write_onnx(self, graph, call):
            return graph.elementwise("Mul", call.x, graph.constant(self.factor, like=call.x))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from autotl.errors import ExportError
from autotl.graphs.activations import activation_layer, named_activation, prelu_layer, relu_layer, softmax_layer
from autotl.graphs.convolutions import (
    conv2d_layer,
    dense_layer,
    depthwise_conv2d_layer,
    global_pool_layer,
    pool_layer,
    separable_conv2d_layer,
)
from autotl.graphs.writer import Call, LayerWriter, Value, Writer, pair, to_numpy, weight

# --- normalisation and scaling -----------------------------------------------------------------------------


def _last_axis(layer: Any, x: Value) -> None:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    if [axis % len(x.shape) for axis in axes] != [len(x.shape) - 1]:
        raise ExportError(
            f"{type(layer).__name__} {layer.name!r} works on axis {layer.axis}; only the last axis (channels) "
            "can be written as ONNX."
        )


def _batch_normalization(graph: Writer, layer: Any, call: Call) -> Value:
    x = call.x
    _last_axis(layer, x)
    channels = x.shape[-1] or 1
    gamma = weight(layer, "gamma", np.ones(channels))
    beta = weight(layer, "beta", np.zeros(channels))
    mean, variance = to_numpy(layer.moving_mean), to_numpy(layer.moving_variance)
    if x.channels_first or len(x.shape) == 2:
        constants = [graph.weights(array) for array in (gamma, beta, mean, variance)]
        return graph.elementwise("BatchNormalization", x, *constants, epsilon=layer.epsilon)
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return graph.affine(x, scale, beta - mean * scale)


def _layer_normalization(graph: Writer, layer: Any, call: Call) -> Value:
    x = graph.plain(call.x)
    _last_axis(layer, x)
    if getattr(layer, "rms_scaling", False):
        raise ExportError(f"LayerNormalization {layer.name!r} uses rms_scaling, which cannot be written as ONNX.")
    channels = x.shape[-1] or 1
    gamma = weight(layer, "gamma", np.ones(channels))
    beta = weight(layer, "beta", np.zeros(channels))
    constants = [graph.weights(gamma), graph.weights(beta)]
    return graph.elementwise("LayerNormalization", x, *constants, axis=-1, epsilon=layer.epsilon)


def _normalization(graph: Writer, layer: Any, call: Call) -> Value:
    import keras

    mean = to_numpy(layer.mean).astype(np.float64)
    deviation = np.maximum(np.sqrt(to_numpy(layer.variance).astype(np.float64)), keras.config.epsilon())
    if layer.invert:
        return graph.affine(call.x, deviation, mean)
    return graph.affine(call.x, 1 / deviation, -mean / deviation)


def _rescaling(graph: Writer, layer: Any, call: Call) -> Value:
    return graph.affine(call.x, np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64))


def _layer_scale(graph: Writer, layer: Any, call: Call) -> Value:
    return graph.affine(call.x, to_numpy(layer.gamma), 0.0)


# --- joining tensors ---------------------------------------------------------------------------------------


def _operands(graph: Writer, call: Call, *, pad_rank_at: int) -> tuple[list[str], Value]:
    """Operands in one layout and of one rank (missing axes go in at `pad_rank_at`), and the result's Value."""
    items = [*call.operands, *(item for item in call.kwargs.values() if isinstance(item, Value))]
    values = [item for item in items if isinstance(item, Value)]
    rank = max(len(value.shape) for value in values)
    if any(len(value.shape) != rank for value in values):
        items = [graph.plain(item) if isinstance(item, Value) else item for item in items]
        for index, item in enumerate(items):
            if isinstance(item, Value) and (missing := rank - len(item.shape)):
                axes = graph.weights(np.arange(pad_rank_at, pad_rank_at + missing))
                shape = (*item.shape[:pad_rank_at], *(1,) * missing, *item.shape[pad_rank_at:])
                items[index] = Value(graph.add("Unsqueeze", [item.name, axes]), shape)
        values = [item for item in items if isinstance(item, Value)]
    values = graph.same_layout(values)
    result = Value("", call.shapes[0], values[0].channels_first)
    aligned = iter(values)
    names = [next(aligned).name if isinstance(item, Value) else graph.constant(item, like=result) for item in items]
    return names, result


def _merge(op: str, *, variadic: bool = False) -> LayerWriter:
    def write(graph: Writer, layer: Any, call: Call) -> Value:
        # Merging layers insert missing axes after the batch, operations (`x + y`) in front, as NumPy does.
        import keras

        is_layer = isinstance(layer, keras.Layer)
        names, result = _operands(graph, call, pad_rank_at=1 if is_layer else 0)
        if variadic:
            return replace(result, name=graph.add(op, names))
        total = names[0]
        for name in names[1:]:
            total = graph.add(op, [total, name])
        return replace(result, name=total)

    return write


def _custom_scale(graph: Writer, layer: Any, call: Call) -> Value:
    shortcut, residual = graph.same_layout(call.operands)
    residual = graph.affine(residual, layer.scale, 0.0)
    return graph.elementwise("Add", shortcut, residual.name)


def _concatenate(graph: Writer, layer: Any, call: Call) -> Value:
    values = graph.same_layout(call.operands)
    axis = graph.axis(values[0], layer.axis)
    output = graph.add("Concat", [value.name for value in values], axis=axis)
    return Value(output, call.shapes[0], values[0].channels_first)


# --- shapes ------------------------------------------------------------------------------------------------


def _zero_padding2d(graph: Writer, layer: Any, call: Call) -> Value:
    (top, bottom), (left, right) = layer.padding
    x = graph.images(call.x)
    pads = graph.weights(np.array([0, 0, top, left, 0, 0, bottom, right]))
    return Value(graph.add("Pad", [x.name, pads]), call.shapes[0], channels_first=True)


def _cropping2d(graph: Writer, layer: Any, call: Call) -> Value:
    x = graph.images(call.x)
    (top, _), (left, _) = layer.cropping
    _, height, width, _ = call.shapes[0]
    assert height is not None
    assert width is not None
    bounds = ([top, left], [top + height, left + width], [2, 3])
    constants = [graph.weights(np.array(bound)) for bound in bounds]
    return Value(graph.add("Slice", [x.name, *constants]), call.shapes[0], channels_first=True)


def _up_sampling2d(graph: Writer, layer: Any, call: Call) -> Value:
    modes: dict[str, dict[str, str]] = {
        "nearest": {
            "mode": "nearest",
            "nearest_mode": "floor",
            "coordinate_transformation_mode": "asymmetric",
        },
        "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    }
    if layer.interpolation not in modes:
        raise ExportError(
            f"UpSampling2D {layer.name!r} interpolates by {layer.interpolation!r}; use 'nearest' or 'bilinear'."
        )
    x = graph.images(call.x)
    scales = graph.weights(np.array([1, 1, *pair(layer.size)], np.float32))
    output = graph.add("Resize", [x.name, "", scales], **modes[layer.interpolation])
    return Value(output, call.shapes[0], channels_first=True)


def _reshape(graph: Writer, _layer: Any, call: Call) -> Value:
    x, shape = graph.plain(call.x), call.shapes[0]
    # One pixel per image reads the same in both layouts; a squeeze-and-excite block then needs no Transpose.
    pixel = len(shape) == 4 and shape[1:3] == (1, 1)
    target = [-1, shape[3], 1, 1] if pixel else [-1, *shape[1:]]
    output = graph.add("Reshape", [x.name, graph.weights(np.array(target))])
    return Value(output, shape, channels_first=pixel)


def _permute(graph: Writer, layer: Any, call: Call) -> Value:
    x = graph.plain(call.x)
    return Value(graph.add("Transpose", [x.name], perm=[0, *layer.dims]), call.shapes[0])


def _identity(_graph: Writer, _layer: Any, call: Call) -> Value:
    return call.x


# fmt: off
_IDENTITY_AT_INFERENCE = (
    "ActivityRegularization", "AlphaDropout", "AugMix", "CutMix", "Dropout", "GaussianDropout",
    "GaussianNoise", "Identity", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration",
    "RandomColorJitter", "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip",
    "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective",
    "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear",
    "RandomTranslation", "RandomZoom", "SpatialDropout1D", "SpatialDropout2D", "StochasticDepth",
)
# fmt: on

# Layers and operations share this table (both have an Add and a Softmax): their settings bear the same names.
LAYER_WRITERS: Mapping[str, LayerWriter] = MappingProxyType(
    {
        **dict.fromkeys(_IDENTITY_AT_INFERENCE, _identity),
        "Activation": activation_layer,
        "Add": _merge("Add"),
        "Average": _merge("Mean", variadic=True),
        "AveragePooling2D": pool_layer("AveragePool", count_include_pad=0),
        "BatchNormalization": _batch_normalization,
        "Concatenate": _concatenate,
        "Conv2D": conv2d_layer,
        "Cropping2D": _cropping2d,
        "CustomScaleLayer": _custom_scale,
        "Dense": dense_layer,
        "DepthwiseConv2D": depthwise_conv2d_layer,
        "Divide": _merge("Div"),
        "ELU": named_activation("elu", "alpha"),
        "Elu": named_activation("elu", "alpha"),
        "Flatten": _reshape,
        "Gelu": named_activation("gelu", "approximate"),
        "GlobalAveragePooling2D": global_pool_layer("GlobalAveragePool", "ReduceMean"),
        "GlobalMaxPooling2D": global_pool_layer("GlobalMaxPool", "ReduceMax"),
        "HardSigmoid": named_activation("hard_sigmoid"),
        "HardSilu": named_activation("hard_silu"),
        "LayerNormalization": _layer_normalization,
        "LayerScale": _layer_scale,
        "LeakyReLU": named_activation("leaky_relu", "negative_slope"),
        "LeakyRelu": named_activation("leaky_relu", "negative_slope"),
        "MaxPooling2D": pool_layer("MaxPool"),
        "Maximum": _merge("Max", variadic=True),
        "Minimum": _merge("Min", variadic=True),
        "Multiply": _merge("Mul"),
        "Normalization": _normalization,
        "PReLU": prelu_layer,
        "Permute": _permute,
        "ReLU": relu_layer,
        "Relu": named_activation("relu"),
        "Relu6": named_activation("relu6"),
        "Rescaling": _rescaling,
        "Reshape": _reshape,
        "SeparableConv2D": separable_conv2d_layer,
        "Sigmoid": named_activation("sigmoid"),
        "Silu": named_activation("silu"),
        "Softmax": softmax_layer,
        "Softplus": named_activation("softplus"),
        "Subtract": _merge("Sub"),
        "Tanh": named_activation("tanh"),
        "TrueDivide": _merge("Div"),
        "UpSampling2D": _up_sampling2d,
        "ZeroPadding2D": _zero_padding2d,
    }
)
"""Class name of a layer or operation -> the function that writes it. It cannot be changed: a plugin's own layers bring
their writers, so that importing a plugin changes the graph of no other one."""
