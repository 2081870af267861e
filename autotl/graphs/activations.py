"""How activations are written as ONNX nodes."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import onnx

from autotl.errors import ExportError
from autotl.graphs.writer import Call, LayerWriter, Value, Writer, is_zero, to_numpy

_ACTIVATION_NODES: dict[str, tuple[str, dict[str, float]]] = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "exponential": ("Exp", {}),
    "selu": ("Selu", {}),
    "hard_silu": ("HardSwish", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),  # Keras 3: relu6(x + 3) / 6
}


def _activate(graph: Writer, x: Value, name: str, **options: Any) -> Value:
    if name in _ACTIVATION_NODES and not options:
        op, attributes = _ACTIVATION_NODES[name]
        return graph.elementwise(op, x, **attributes)
    match name:
        case "linear":
            return x
        case "relu":
            return _relu_general(graph, x, **options)
        case "relu6":
            return _relu_general(graph, x, max_value=6.0)
        case "silu":
            return graph.elementwise("Mul", x, graph.add("Sigmoid", [x.name]))
        case "elu":
            return graph.elementwise("Elu", x, alpha=float(options.get("alpha", 1.0)))
        case "leaky_relu":
            return graph.elementwise("LeakyRelu", x, alpha=float(options.get("negative_slope", 0.2)))
        case "softmax":
            return graph.elementwise("Softmax", x, axis=graph.axis(x, options.get("axis", -1)))
        case "gelu":
            return _gelu(graph, x, approximate=options.get("approximate", False))
    raise ExportError(
        f"Layer {graph.scope!r} uses the activation {name!r}, which cannot be written as ONNX. Use one of "
        f"{', '.join(sorted({*_ACTIVATION_NODES, *_OTHER_ACTIVATIONS}))}, or make it a layer of its own with "
        "a method write_onnx(self, graph, call) as described in autotl.graphs.layers."
    )


_OTHER_ACTIVATIONS = ("linear", "relu6", "silu", "elu", "leaky_relu", "softmax", "gelu")


def _relu_general(
    graph: Writer,
    x: Value,
    *,
    max_value: float | None = None,
    negative_slope: float = 0.0,
    threshold: float = 0.0,
) -> Value:
    # The steps of keras.activations.relu: x above the threshold, capped, minus the slope below the threshold.
    below = None
    if not is_zero(negative_slope):
        below = graph.affine(x, -1.0, threshold)
        below = graph.affine(graph.elementwise("Relu", below), negative_slope, 0.0)
    if threshold != 0:
        above = graph.add("Greater", [x.name, graph.weights(np.float32(threshold))])
        x = graph.elementwise("Mul", x, graph.add("Cast", [above], to=onnx.TensorProto.FLOAT))
    if max_value is not None:
        limits = (graph.weights(np.float32(0)), graph.weights(np.float32(max_value)))
        x = graph.elementwise("Clip", x, *limits)
    elif threshold == 0:
        x = graph.elementwise("Relu", x)
    return x if below is None else graph.elementwise("Sub", x, below.name)


def _gelu(graph: Writer, x: Value, *, approximate: bool) -> Value:
    # These sequences of nodes are the ones ONNX Runtime recognises and fuses (the Gelu operator needs opset 20).
    def scalar(value: float) -> str:
        return graph.weights(np.float32(value))

    if approximate:
        cubic = graph.add("Mul", [graph.add("Pow", [x.name, scalar(3.0)]), scalar(0.044715)])
        inner = graph.add("Mul", [graph.add("Add", [x.name, cubic]), scalar(math.sqrt(2 / math.pi))])
        inner = graph.add("Tanh", [inner])
    else:
        inner = graph.add("Erf", [graph.add("Div", [x.name, scalar(math.sqrt(2.0))])])
    product = graph.add("Mul", [x.name, graph.add("Add", [inner, scalar(1.0)])])
    return replace(x, name=graph.add("Mul", [product, scalar(0.5)]))


def apply_activation(graph: Writer, function: Any, x: Value) -> Value:
    """An activation given to a layer: a function of Keras, that function with options, or a layer."""
    options: dict[str, Any] = {}
    if isinstance(function, partial):
        function, options = function.func, function.keywords
    if function is None:
        return x
    if write := graph.find_writer(function):
        result = write(graph, Call((x,), {}, (x.shape,)))
        return result if isinstance(result, Value) else result[0]
    ours = getattr(function, "__module__", "").startswith("keras.src.activations")
    name = getattr(function, "__name__", repr(function))
    # A function of the caller's own may bear the name of one of Keras'.
    return _activate(graph, x, name if ours else f"{name} (not Keras' own)", **options)


def activation_layer(graph: Writer, layer: Any, call: Call) -> Value:
    return apply_activation(graph, layer.activation, call.x)


def named_activation(name: str, *attributes: str) -> LayerWriter:
    """An activation that is a layer or an operation, with its settings as attributes."""

    def write(graph: Writer, layer: Any, call: Call) -> Value:
        return _activate(graph, call.x, name, **{key: getattr(layer, key) for key in attributes})

    return write


def relu_layer(graph: Writer, layer: Any, call: Call) -> Value:
    keys = ("max_value", "negative_slope", "threshold")
    options = {key: getattr(layer, key) for key in keys if not is_zero(getattr(layer, key))}
    return _activate(graph, call.x, "relu", **options)


def softmax_layer(graph: Writer, layer: Any, call: Call) -> Value:
    axis = layer.axis
    if isinstance(axis, list | tuple):
        if len(axis) != 1:
            raise ExportError(f"Softmax layer {layer.name!r} runs over the axes {axis}; ONNX has one axis.")
        axis = axis[0]
    return _activate(graph, call.x, "softmax", axis=axis)


def prelu_layer(graph: Writer, layer: Any, call: Call) -> Value:
    slope = to_numpy(layer.alpha)
    return graph.elementwise("PRelu", call.x, graph.constant(slope, like=call.x))
