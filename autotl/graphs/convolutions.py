"""How convolutions, dense layers and pooling are written as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autotl.errors import ExportError
from autotl.graphs.activations import apply_activation
from autotl.graphs.writer import Array, Call, LayerWriter, Shape, Value, Writer, pair, to_numpy


def _pads(
    x: Value, kernel: Sequence[int], strides: Sequence[int], padding: str, dilation: Sequence[int] = (1, 1)
) -> list[int]:
    """ONNX pads (top, left, bottom, right) for Keras' padding; "same" puts the odd pixel at the end."""
    if padding == "valid":
        return [0, 0, 0, 0]
    if padding != "same":
        raise ExportError(f"Padding {padding!r} cannot be written; use 'valid' or 'same'.")
    totals = []
    for axis in (0, 1):
        size = x.shape[axis + 1]
        assert size is not None
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        totals.append(max((math.ceil(size / strides[axis]) - 1) * strides[axis] + reach - size, 0))
    begin = [total // 2 for total in totals]
    return [*begin, *(total - start for total, start in zip(totals, begin, strict=True))]


def _convolve(
    graph: Writer,
    x: Value,
    kernel: Array,
    bias: Array | None,
    shape: Shape,
    *,
    group: int = 1,
    strides: Sequence[int] = (1, 1),
    dilation: Sequence[int] = (1, 1),
    padding: str = "valid",
) -> Value:
    """kernel: (out channels, in channels / group, height, width)."""
    x = graph.images(x)
    constants = [graph.weights(array) for array in (kernel, bias) if array is not None]
    output = graph.add(
        "Conv",
        [x.name, *constants],
        group=group,
        kernel_shape=list(kernel.shape[2:]),
        strides=list(strides),
        dilations=list(dilation),
        pads=_pads(x, kernel.shape[2:], strides, padding, dilation),
    )
    return Value(output, shape, channels_first=True)


def _depthwise_kernel(kernel: Array) -> Array:
    """(height, width, channels, multiplier) as a grouped kernel (channels * multiplier, 1, height, width)."""
    height, width, channels, multiplier = kernel.shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)


def _bias(layer: Any) -> Array | None:
    return to_numpy(layer.bias) if layer.use_bias else None


def conv2d_layer(graph: Writer, layer: Any, call: Call) -> Value:
    y = _convolve(
        graph,
        call.x,
        to_numpy(layer.kernel).transpose(3, 2, 0, 1),
        _bias(layer),
        call.shapes[0],
        group=layer.groups,
        strides=pair(layer.strides),
        dilation=pair(layer.dilation_rate),
        padding=layer.padding,
    )
    return apply_activation(graph, layer.activation, y)


def depthwise_conv2d_layer(graph: Writer, layer: Any, call: Call) -> Value:
    y = _convolve(
        graph,
        call.x,
        _depthwise_kernel(to_numpy(layer.kernel)),
        _bias(layer),
        call.shapes[0],
        group=call.x.shape[-1] or 1,
        strides=pair(layer.strides),
        dilation=pair(layer.dilation_rate),
        padding=layer.padding,
    )
    return apply_activation(graph, layer.activation, y)


def separable_conv2d_layer(graph: Writer, layer: Any, call: Call) -> Value:
    kernel = _depthwise_kernel(to_numpy(layer.depthwise_kernel))
    y = _convolve(
        graph,
        call.x,
        kernel,
        None,
        (*call.shapes[0][:3], kernel.shape[0]),
        group=call.x.shape[-1] or 1,
        strides=pair(layer.strides),
        dilation=pair(layer.dilation_rate),
        padding=layer.padding,
    )
    pointwise = to_numpy(layer.pointwise_kernel).transpose(3, 2, 0, 1)
    y = _convolve(graph, y, pointwise, _bias(layer), call.shapes[0])
    return apply_activation(graph, layer.activation, y)


def dense_layer(graph: Writer, layer: Any, call: Call) -> Value:
    x = graph.plain(call.x)
    constants = [graph.weights(to_numpy(layer.kernel))]
    if layer.use_bias:
        constants.append(graph.weights(to_numpy(layer.bias)))
    if len(x.shape) == 2:
        output = graph.add("Gemm", [x.name, *constants])
    else:
        output = graph.add("MatMul", [x.name, constants[0]])
        if layer.use_bias:
            output = graph.add("Add", [output, constants[1]])
    return apply_activation(graph, layer.activation, Value(output, call.shapes[0]))


def pool_layer(op: str, **attributes: int) -> LayerWriter:
    def write(graph: Writer, layer: Any, call: Call) -> Value:
        x, kernel, strides = graph.images(call.x), pair(layer.pool_size), pair(layer.strides)
        _keep_zeros(graph, x)
        pads = _pads(x, kernel, strides, layer.padding)
        output = graph.add(op, [x.name], kernel_shape=kernel, strides=strides, pads=pads, **attributes)
        return Value(output, call.shapes[0], channels_first=True)

    return write


def _keep_zeros(graph: Writer, x: Value) -> None:
    # ONNX Runtime (1.31) takes a Pad with zeros into the MaxPool that follows, which pads with minus infinity: wrong
    # for negative inputs (ResNet50V2's pool1_pad). It leaves alone a Pad with any other value than zero.
    for node in graph.nodes:
        if node.op_type == "Pad" and x.name in node.output and len(node.input) == 2:
            node.input.append(graph.weights(np.finfo(np.float32).tiny))


def global_pool_layer(op: str, reduction: str) -> LayerWriter:
    def write(graph: Writer, layer: Any, call: Call) -> Value:
        x = call.x
        if not x.channels_first:  # no Transpose for the sake of a mean
            output = graph.add(reduction, [x.name], axes=[1, 2], keepdims=int(layer.keepdims))
            return Value(output, call.shapes[0])
        pooled = Value(graph.add(op, [x.name]), call.shapes[0], channels_first=True)
        if layer.keepdims:
            return pooled
        return Value(graph.add("Flatten", [pooled.name], axis=1), call.shapes[0])

    return write
