"""The ONNX graph that is being written: values, calls of layers, and the writer that collects nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    kwargs: Mapping[str, object]
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

    layer_writers: how each kind of layer is written, by the name of its class; a layer may bring its own writer.
    scope: name of the layer being written; the names of nodes and tensors begin with it.
    """

    layer_writers: Mapping[str, LayerWriter]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    scope: str = ""
    _used: Counter[str] = field(default_factory=Counter)
    _turned: dict[str, Value] = field(default_factory=dict)

    def find_writer(self, layer: Any) -> Callable[[Writer, Call], Value | Sequence[Value]] | None:
        """What writes a layer: its own method `write_onnx`, else the function for its class, None without either."""
        own: Callable[[Writer, Call], Value | Sequence[Value]] | None = getattr(layer, "write_onnx", None)
        known = self.layer_writers.get(type(layer).__name__)
        if own or known is None:
            return own
        return lambda graph, call: known(graph, layer, call)

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

    def same_layout(self, values: Sequence[Value]) -> list[Value]:
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


def weight(layer: Any, name: str, default: Array) -> Array:
    """A weight of a layer, or the default where the layer has none of that name."""
    variable = getattr(layer, name, None)
    return default if variable is None else to_numpy(variable)


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """A setting for both axes, which Keras may give as one number."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def is_zero(value: float | None) -> bool:
    """Whether a setting is zero or absent."""
    return value is None or value == 0
