"""Keras models written as ONNX graphs, layer by layer.

Why not `model.export(format="onnx")`: that route (tf2onnx) takes 7 s per model, needs TensorFlow where AutoTL also
runs on the JAX and PyTorch backends of Keras, and writes files that no runtime loads for EfficientNetB*,
EfficientNetV2* and ConvNeXt*, without an error. A network made of layers is a list of known operations, so this
module walks it and writes each one (`autotl.graphs.layers`). What it cannot write it refuses by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import onnx

from autotl.errors import ExportError
from autotl.graphs.layers import LAYER_WRITERS
from autotl.graphs.surgery import as_model
from autotl.graphs.writer import Call, LayerWriter, Shape, Value, Writer

if TYPE_CHECKING:
    import keras

__all__ = ["Call", "LayerWriter", "Value", "Writer", "to_onnx"]

OPSET = 17  # the first with LayerNormalization; the older the opset, the more runtimes read the file
IR_VERSION = 8  # what opset 17 came with
BATCH = "batch"


def to_onnx(model: keras.Model, *, input_dtype: Literal["uint8", "float32"] = "float32") -> onnx.ModelProto:
    """Write a functional (or Sequential) model as an ONNX graph that computes `model(x, training=False)`.

    Inputs and outputs have Keras' shapes with a free batch axis: images are (batch, height, width, channels). A
    single image input is called `images`, other inputs bear their Keras names; an output bears the name of
    the layer that makes it. With input_dtype="uint8" the images are bytes.
    Raises ExportError if a layer, an activation or a shape cannot be written.
    """
    network = _functional(model)
    graph = Writer(LAYER_WRITERS)
    inputs, values = [], []
    for tensor in network.inputs:
        shape: Shape = (None, *tensor.shape[1:])
        if None in shape[1:]:
            raise ExportError(
                f"Input {tensor.name!r} of {model.name!r} has the shape {tensor.shape}; give it a fixed size."
            )
        name = "images" if len(shape) == 4 and len(network.inputs) == 1 else tensor.name
        inputs.append(_value_info(name, shape, input_dtype))
        graph.scope = name
        value = Value(name, shape)
        if input_dtype == "uint8":
            value = graph.elementwise("Cast", value, to=onnx.TensorProto.FLOAT)
        values.append(graph.images(value) if len(shape) == 4 else value)
    results = _walk(graph, network, values)
    outputs = []
    for name, value in zip(_output_names(network, taken={i.name for i in inputs}), results, strict=True):
        op, attributes = ("Transpose", {"perm": (0, 2, 3, 1)}) if value.channels_first else ("Identity", {})
        graph.nodes.append(onnx.helper.make_node(op, [value.name], [name], name=f"{name}/output", **attributes))
        outputs.append(_value_info(name, value.shape, "float32"))
    _fold_batch_normalizations(graph)
    used = {name for node in graph.nodes for name in node.input}
    constants = [
        onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        for name, array in graph.constants.items()
        if name in used
    ]
    return as_model(
        onnx.helper.make_graph(graph.nodes, model.name, inputs, outputs, constants),
        [onnx.helper.make_opsetid("", OPSET)],
        IR_VERSION,
    )


def _functional(model: Any) -> Any:
    """The walkable form of a model."""
    import keras

    if isinstance(model, keras.Sequential):
        model = model._functional
    if not hasattr(model, "_nodes_by_depth"):
        raise ExportError(
            f"{model!r} has no graph of layers: it is subclassed, or not built yet. Write it with keras.Input and "
            "keras.Model(inputs, outputs)."
        )
    return model


def _walk(graph: Writer, network: Any, values: Sequence[Value]) -> list[Value]:
    """Write every node of a functional model; returns the values of its outputs."""
    known = {id(tensor): value for tensor, value in zip(network.inputs, values, strict=True)}
    nodes_by_depth = network._nodes_by_depth  # what Keras itself runs by; depth counts from the outputs
    for node in (node for depth in sorted(nodes_by_depth, reverse=True) for node in nodes_by_depth[depth]):
        if node.is_input or all(id(tensor) in known for tensor in node.outputs):
            continue
        args, kwargs = node.arguments.fill_in(known)
        results = _write(graph, node, args, kwargs)
        known.update(zip((id(tensor) for tensor in node.outputs), results, strict=True))
    return [known[id(tensor)] for tensor in network.outputs]


def _write(graph: Writer, node: Any, args: tuple[Any, ...], kwargs: dict[str, object]) -> Sequence[Value]:
    import keras

    layer = node.operation
    if isinstance(layer, keras.Model):
        flat = keras.tree.flatten((args, kwargs))
        return _walk(graph, _functional(layer), [item for item in flat if isinstance(item, Value)])
    graph.scope = layer.name
    write = graph.find_writer(layer)
    if write is None:
        raise ExportError(
            f"Layer {layer.name!r} is a {type(layer).__name__}, which AutoTL cannot write as ONNX. Replace the layer, "
            "or give its class a method write_onnx(self, graph, call) as described in autotl.graphs.layers."
        )
    if getattr(layer, "data_format", None) == "channels_first":
        raise ExportError(f"Layer {layer.name!r} has data_format='channels_first'; use 'channels_last'.")
    result = write(graph, Call(args, kwargs, _output_shapes(node, args, kwargs)))
    return [result] if isinstance(result, Value) else result


def _output_shapes(node: Any, args: tuple[Any, ...], kwargs: dict[str, object]) -> tuple[Shape, ...]:
    """What Keras says; asked again where a nested model was defined for images of any size."""
    import keras

    tensors = node.outputs
    if any(None in tensor.shape[1:] for tensor in tensors):

        def symbol(item: Any) -> Any:
            return keras.KerasTensor(item.shape) if isinstance(item, Value) else item

        args, kwargs = keras.tree.map_structure(symbol, (args, kwargs))
        tensors = keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs))
    return tuple((None, *tensor.shape[1:]) for tensor in tensors)


def _output_names(network: Any, *, taken: set[str]) -> list[str]:
    names: list[str] = []
    for number, tensor in enumerate(network.outputs):
        name = tensor._keras_history.operation.name
        names.append(f"{name}_{number}" if name in taken or name in names else name)
    return names


def _fold_batch_normalizations(graph: Writer) -> None:
    """Take a BatchNormalization into the convolution before it, where nothing else reads that convolution."""
    readers = Counter(name for node in graph.nodes for name in node.input)
    makers = {node.output[0]: node for node in graph.nodes}
    kept = []
    for node in graph.nodes:
        conv = makers.get(node.input[0])
        foldable = node.op_type == "BatchNormalization" and conv is not None and conv.op_type == "Conv"
        if conv is None or not foldable or readers[node.input[0]] > 1:
            kept.append(node)
            continue
        gamma, beta, mean, variance = (graph.constants[name].astype(np.float64) for name in node.input[1:])
        scale = gamma / np.sqrt(variance + onnx.helper.get_node_attr_value(node, "epsilon"))
        kernel, *bias = (graph.constants[name] for name in conv.input[1:])
        graph.scope = conv.name.rpartition("/")[0]
        folded = [kernel * scale[:, None, None, None], beta + scale * ((bias[0] if bias else 0) - mean)]
        conv.input[1:] = [graph.weights(array) for array in folded]
        conv.output[0] = node.output[0]
        makers[node.output[0]] = conv
    graph.nodes[:] = kept


def _value_info(name: str, shape: Shape, dtype: str) -> onnx.ValueInfoProto:
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return onnx.helper.make_tensor_value_info(name, element, [BATCH, *shape[1:]])
