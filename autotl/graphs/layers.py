"""How each Keras layer is written as ONNX nodes; `layer_writers` is open to additions.

A writer is a function `(graph, layer, call) -> Value` (or several values, for a layer with several outputs).
It reads the layer's settings and weights, adds nodes to `graph`, and returns where its result is:

    def write_scale(graph, layer, call):
        return graph.elementwise("Mul", call.x, graph.constant(layer.factor, like=call.x))

    autotl.graphs.keras_to_onnx.layer_writers["Scale"] = write_scale
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import onnx

from autotl.errors import ExportError

Shape: TypeAlias = tuple[int | None, ...]
Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Value:
    """A tensor of the ONNX graph.

    shape: as Keras has it, (None, height, width, channels) for images.
    channels_first: the ONNX tensor holds it as (None, channels, height, width), which is what the convolutions
        of ONNX Runtime are written for.
    """

    name: str
    shape: Shape
    channels_first: bool = False


@dataclass(frozen=True)
class Call:
    """One call of a layer: its arguments, with a Value for every tensor, and the shapes of its outputs."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    shapes: tuple[Shape, ...]

    @property
    def operands(self) -> list[Any]:
        """The positional arguments, lists unpacked."""
        return [item for arg in self.args for item in (arg if isinstance(arg, list | tuple) else (arg,))]

    @property
    def x(self) -> Value:
        """The first tensor."""
        candidates = (*self.operands, *self.kwargs.values())
        return next(item for item in candidates if isinstance(item, Value))


@dataclass
class Writer:
    """An ONNX graph being written: nodes in order, and constants by name.

    scope: name of the layer being written; the names of nodes and tensors begin with it.
    """

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    scope: str = ""
    _used: Counter[str] = field(default_factory=Counter)
    _turned: dict[str, Value] = field(default_factory=dict)

    def name(self, kind: str) -> str:
        """A new name within the layer's scope."""
        base = f"{self.scope}/{kind}"
        self._used[base] += 1
        return base if self._used[base] == 1 else f"{base}_{self._used[base]}"

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""
        output = self.name(op)
        self.nodes.append(onnx.helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def weights(self, array: Any) -> str:
        """A constant as it is: float32, or int64 where the array holds integers."""
        array = np.asarray(array)
        name = self.name("constant")
        self.constants[name] = array.astype(np.int64 if array.dtype.kind in "iu" else np.float32)
        return name

    def constant(self, array: Any, *, like: Value) -> str:
        """A constant in Keras' order that broadcasts against `like`, in the layout of `like`."""
        array = np.asarray(array, np.float32)
        if array.size == 1:
            array = array.reshape(())
        elif like.channels_first:
            array = array.reshape((1,) * (4 - array.ndim) + array.shape).transpose(0, 3, 1, 2)
        return self.weights(array)

    def elementwise(self, op: str, x: Value, *constants: str, **attributes: Any) -> Value:
        """A node that keeps shape and layout of `x`."""
        return replace(x, name=self.add(op, (x.name, *constants), **attributes))

    def affine(self, x: Value, scale: Array | float, offset: Array | float) -> Value:
        """x * scale + offset, without the parts that change nothing."""
        if not np.all(scale == 1):
            x = self.elementwise("Mul", x, self.constant(scale, like=x))
        return x if np.all(offset == 0) else self.elementwise("Add", x, self.constant(offset, like=x))

    def images(self, x: Value) -> Value:
        """`x` with channels first; every use of one tensor shares one Transpose."""
        return self._turn(x, channels_first=True)

    def plain(self, x: Value) -> Value:
        """`x` in Keras' order of axes."""
        return self._turn(x, channels_first=False)

    def alike(self, values: Sequence[Value]) -> list[Value]:
        """The values in one layout: channels first where one of them already is."""
        first = any(value.channels_first for value in values)
        return [self.images(value) if first and len(value.shape) == 4 else value for value in values]

    def axis(self, x: Value, axis: int) -> int:
        """Where Keras' axis of `x` lies in the ONNX tensor."""
        axis %= len(x.shape)
        return (0, 2, 3, 1)[axis] if x.channels_first else axis

    def _turn(self, x: Value, *, channels_first: bool) -> Value:
        if x.channels_first == channels_first:
            return x
        if len(x.shape) != 4:
            raise ExportError(f"{self.scope} needs images (n, height, width, channels); found shape {x.shape}.")
        if x.name not in self._turned:
            perm = (0, 3, 1, 2) if channels_first else (0, 2, 3, 1)
            turned = Value(self.add("Transpose", [x.name], perm=perm), x.shape, channels_first)
            self._turned.update({x.name: turned, turned.name: x})
        return self._turned[x.name]


LayerWriter: TypeAlias = Callable[[Writer, Any, Call], "Value | Sequence[Value]"]


def to_numpy(variable: Any) -> Array:
    """A Keras variable's value, whatever the backend."""
    import keras

    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def _weight(layer: Any, name: str, default: Array) -> Array:
    variable = getattr(layer, name, None)
    return default if variable is None else to_numpy(variable)


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _is_zero(value: float | None) -> bool:
    return value is None or value == 0


# --- activations -------------------------------------------------------------------------------------------

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
        f"{', '.join(sorted({*_ACTIVATION_NODES, *_OTHER_ACTIVATIONS}))}, or make it a layer of its own and "
        "add a writer for it to autotl.graphs.keras_to_onnx.layer_writers."
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
    if not _is_zero(negative_slope):
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


def _apply(graph: Writer, function: Any, x: Value) -> Value:
    """An activation given to a layer: a function of Keras, that function with options, or a layer."""
    options: dict[str, Any] = {}
    if isinstance(function, partial):
        function, options = function.func, function.keywords
    if function is None:
        return x
    if writer := layer_writers.get(type(function).__name__):
        result = writer(graph, function, Call((x,), {}, (x.shape,)))
        return result if isinstance(result, Value) else result[0]
    ours = getattr(function, "__module__", "").startswith("keras.src.activations")
    name = getattr(function, "__name__", repr(function))
    # A function of the caller's own may bear the name of one of Keras'.
    return _activate(graph, x, name if ours else f"{name} (not Keras' own)", **options)


def _activation(graph: Writer, layer: Any, call: Call) -> Value:
    return _apply(graph, layer.activation, call.x)


def _named(name: str, *attributes: str) -> LayerWriter:
    """An activation that is a layer or an operation, with its settings as attributes."""

    def write(graph: Writer, layer: Any, call: Call) -> Value:
        return _activate(graph, call.x, name, **{key: getattr(layer, key) for key in attributes})

    return write


def _relu_layer(graph: Writer, layer: Any, call: Call) -> Value:
    keys = ("max_value", "negative_slope", "threshold")
    options = {key: getattr(layer, key) for key in keys if not _is_zero(getattr(layer, key))}
    return _activate(graph, call.x, "relu", **options)


def _softmax_layer(graph: Writer, layer: Any, call: Call) -> Value:
    axis = layer.axis
    if isinstance(axis, list | tuple):
        if len(axis) != 1:
            raise ExportError(f"Softmax layer {layer.name!r} runs over the axes {axis}; ONNX has one axis.")
        axis = axis[0]
    return _activate(graph, call.x, "softmax", axis=axis)


def _prelu(graph: Writer, layer: Any, call: Call) -> Value:
    slope = to_numpy(layer.alpha)
    return graph.elementwise("PRelu", call.x, graph.constant(slope, like=call.x))


# --- convolutions and dense layers -------------------------------------------------------------------------


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


def _conv2d(graph: Writer, layer: Any, call: Call) -> Value:
    y = _convolve(
        graph,
        call.x,
        to_numpy(layer.kernel).transpose(3, 2, 0, 1),
        _bias(layer),
        call.shapes[0],
        group=layer.groups,
        strides=_pair(layer.strides),
        dilation=_pair(layer.dilation_rate),
        padding=layer.padding,
    )
    return _apply(graph, layer.activation, y)


def _depthwise_conv2d(graph: Writer, layer: Any, call: Call) -> Value:
    y = _convolve(
        graph,
        call.x,
        _depthwise_kernel(to_numpy(layer.kernel)),
        _bias(layer),
        call.shapes[0],
        group=call.x.shape[-1] or 1,
        strides=_pair(layer.strides),
        dilation=_pair(layer.dilation_rate),
        padding=layer.padding,
    )
    return _apply(graph, layer.activation, y)


def _separable_conv2d(graph: Writer, layer: Any, call: Call) -> Value:
    kernel = _depthwise_kernel(to_numpy(layer.depthwise_kernel))
    y = _convolve(
        graph,
        call.x,
        kernel,
        None,
        (*call.shapes[0][:3], kernel.shape[0]),
        group=call.x.shape[-1] or 1,
        strides=_pair(layer.strides),
        dilation=_pair(layer.dilation_rate),
        padding=layer.padding,
    )
    pointwise = to_numpy(layer.pointwise_kernel).transpose(3, 2, 0, 1)
    y = _convolve(graph, y, pointwise, _bias(layer), call.shapes[0])
    return _apply(graph, layer.activation, y)


def _dense(graph: Writer, layer: Any, call: Call) -> Value:
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
    return _apply(graph, layer.activation, Value(output, call.shapes[0]))


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
    gamma = _weight(layer, "gamma", np.ones(channels))
    beta = _weight(layer, "beta", np.zeros(channels))
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
    gamma = _weight(layer, "gamma", np.ones(channels))
    beta = _weight(layer, "beta", np.zeros(channels))
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


# --- pooling -----------------------------------------------------------------------------------------------


def _pool(op: str, **attributes: int) -> LayerWriter:
    def write(graph: Writer, layer: Any, call: Call) -> Value:
        x, kernel, strides = graph.images(call.x), _pair(layer.pool_size), _pair(layer.strides)
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


def _global_pool(op: str, reduction: str) -> LayerWriter:
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
    values = graph.alike(values)
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
    shortcut, residual = graph.alike(call.operands)
    residual = graph.affine(residual, layer.scale, 0.0)
    return graph.elementwise("Add", shortcut, residual.name)


def _concatenate(graph: Writer, layer: Any, call: Call) -> Value:
    values = graph.alike(call.operands)
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
    scales = graph.weights(np.array([1, 1, *_pair(layer.size)], np.float32))
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
layer_writers: dict[str, LayerWriter] = {
    **dict.fromkeys(_IDENTITY_AT_INFERENCE, _identity),
    "Activation": _activation,
    "Add": _merge("Add"),
    "Average": _merge("Mean", variadic=True),
    "AveragePooling2D": _pool("AveragePool", count_include_pad=0),
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Conv2D": _conv2d,
    "Cropping2D": _cropping2d,
    "CustomScaleLayer": _custom_scale,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise_conv2d,
    "Divide": _merge("Div"),
    "ELU": _named("elu", "alpha"),
    "Elu": _named("elu", "alpha"),
    "Flatten": _reshape,
    "Gelu": _named("gelu", "approximate"),
    "GlobalAveragePooling2D": _global_pool("GlobalAveragePool", "ReduceMean"),
    "GlobalMaxPooling2D": _global_pool("GlobalMaxPool", "ReduceMax"),
    "HardSigmoid": _named("hard_sigmoid"),
    "HardSilu": _named("hard_silu"),
    "LayerNormalization": _layer_normalization,
    "LayerScale": _layer_scale,
    "LeakyReLU": _named("leaky_relu", "negative_slope"),
    "LeakyRelu": _named("leaky_relu", "negative_slope"),
    "MaxPooling2D": _pool("MaxPool"),
    "Maximum": _merge("Max", variadic=True),
    "Minimum": _merge("Min", variadic=True),
    "Multiply": _merge("Mul"),
    "Normalization": _normalization,
    "PReLU": _prelu,
    "Permute": _permute,
    "ReLU": _relu_layer,
    "Relu": _named("relu"),
    "Relu6": _named("relu6"),
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "SeparableConv2D": _separable_conv2d,
    "Sigmoid": _named("sigmoid"),
    "Silu": _named("silu"),
    "Softmax": _softmax_layer,
    "Softplus": _named("softplus"),
    "Subtract": _merge("Sub"),
    "Tanh": _named("tanh"),
    "TrueDivide": _merge("Div"),
    "UpSampling2D": _up_sampling2d,
    "ZeroPadding2D": _zero_padding2d,
}
"""Class name of a layer or operation -> the function that writes it. Add your own to export your own layers."""
