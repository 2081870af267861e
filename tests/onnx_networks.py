"""Small ONNX networks of images with random weights, of the families that people bring as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Net:
    """A graph being written as PyTorch exports it: channels first, tensors with names that say what makes them."""

    def __init__(self, opset: int = 17, *, half: bool = False) -> None:
        self.opset, self.kind = opset, np.float16 if half else np.float32
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(0)

    def const(self, array: Any, name: str = "") -> str:
        array = np.asarray(array)
        name = name or f"w{len(self.weights)}"
        self.weights.append(
            numpy_helper.from_array(array if array.dtype.kind == "i" else array.astype(self.kind), name)
        )
        return name

    def normal(self, *shape: int, scale: float = 1.0) -> str:
        return self.const(self.random.normal(0, scale, shape))

    def op(self, kind: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        to = to or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [to], **attributes))
        return to

    def conv(self, x: str, c_in: int, c_out: int, k: int = 3, stride: int = 1, pad: int | None = None,
             group: int = 1, to: str = "") -> str:  # fmt: skip
        pad = k // 2 if pad is None else pad
        weights = self.normal(c_out, c_in // group, k, k, scale=(2 * group / (c_in * k * k)) ** 0.5)
        return self.op("Conv", x, weights, self.normal(c_out, scale=0.1), to=to, kernel_shape=[k, k],
                       strides=[stride] * 2, pads=[pad] * 4, group=group)  # fmt: skip

    def relu(self, x: str, to: str = "") -> str:
        return self.op("Relu", x, to=to)

    def prelu(self, x: str, channels: int, to: str = "") -> str:
        return self.op("PRelu", x, self.const(np.full((channels, 1, 1), 0.25)), to=to)

    def norm(self, x: str, channels: int, to: str = "") -> str:
        ones = self.random.uniform(0.5, 1.5, channels)
        return self.op("BatchNormalization", x, self.const(ones), self.normal(channels, scale=0.1),
                       self.normal(channels, scale=0.1), self.const(ones), to=to)  # fmt: skip

    def pool(self, x: str, k: int = 2, stride: int = 2, to: str = "", kind: str = "MaxPool", pad: int = 0) -> str:
        return self.op(kind, x, to=to, kernel_shape=[k, k], strides=[stride] * 2, pads=[pad] * 4)

    def linear(self, x: str, n_in: int, n_out: int, to: str = "") -> str:
        weights = self.normal(n_out, n_in, scale=n_in**-0.5)
        return self.op("Gemm", x, weights, self.normal(n_out, scale=0.1), to=to, transB=1)

    def dense(self, x: str, n_in: int, n_out: int, to: str = "") -> str:
        """A linear layer on tokens."""
        product = self.op("MatMul", x, self.normal(n_in, n_out, scale=n_in**-0.5))
        return self.op("Add", product, self.normal(n_out, scale=0.1), to=to)

    def layer_norm(self, x: str, width: int, to: str = "") -> str:
        weights = self.const(self.random.uniform(0.5, 1.5, width))
        return self.op("LayerNormalization", x, weights, self.normal(width, scale=0.1), to=to, axis=-1)

    def model(
        self,
        axes: Sequence[int | str],
        outputs: Sequence[str],
        *,
        source: str = "input",
        element: int = 0,
        others: Sequence[tuple[str, int, list[int | str]]] = (),
        domains: Sequence[str] = (),
        **metadata: str,
    ) -> onnx.ModelProto:
        """The graph; element: type of the images, if not that of the weights; others: name, type and axes."""
        own = helper.np_dtype_to_tensor_dtype(np.dtype(self.kind))
        inputs = [helper.make_tensor_value_info(source, element or own, list(axes))]
        inputs += [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in others]
        results = [helper.make_tensor_value_info(name, own, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "main_graph", inputs, results, self.weights)
        opsets = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        del model.graph.value_info[:]
        helper.set_model_props(model, metadata)
        return model


def lenet() -> onnx.ModelProto:
    net = Net()
    x = net.pool(net.op("Tanh", net.conv("input", 1, 6, 5, pad=0), to="c1"), to="s2")
    x = net.pool(net.op("Tanh", net.conv(x, 6, 16, 5, pad=0), to="c3"), to="s4")
    x = net.op("Tanh", net.linear(net.op("Flatten", x, axis=1), 400, 120), to="f5")
    x = net.op("Tanh", net.linear(x, 120, 84), to="f6")
    return net.model(["n", 1, 32, 32], [net.op("Softmax", net.linear(x, 84, 10, to="f7"), to="prob", axis=1)])


def alexnet() -> onnx.ModelProto:
    """With local response normalisation, groups, and a fixed batch of 1 through a reshape; OverFeat is alike."""
    net = Net(opset=9)
    x = net.op("LRN", net.relu(net.conv("data", 3, 16, 11, 4, 2), to="relu1"), size=5, to="norm1")
    x = net.op("LRN", net.relu(net.conv(net.pool(x, 3), 16, 32, 5, group=2)), size=5, to="norm2")
    x = net.relu(net.conv(net.pool(x, 3), 32, 32), to="relu5")
    x = net.op("Reshape", net.pool(x, 3, to="pool5"), net.const(np.array([1, -1])), to="flat")
    x = net.op("Dropout", net.relu(net.linear(x, 32, 64)), to="fc6")
    x = net.op("Dropout", net.relu(net.linear(x, 64, 48)), to="fc7")
    return net.model([1, 3, 67, 67], [net.op("Softmax", net.linear(x, 48, 10, to="fc8"), to="prob")], source="data")


def googlenet() -> onnx.ModelProto:
    """With an auxiliary classifier."""

    def inception(x: str, c_in: int, to: str) -> str:
        ways = [
            net.relu(net.conv(x, c_in, 8, 1)),
            net.relu(net.conv(net.relu(net.conv(x, c_in, 4, 1)), 4, 8)),
            net.relu(net.conv(net.pool(x, 3, 1, pad=1), c_in, 8, 1)),
        ]
        return net.op("Concat", *ways, to=to, axis=1)

    net = Net()
    x = net.relu(net.conv("input", 3, 12, 7, 2), to="stem")
    x = inception(inception(net.pool(x), 12, "a1"), 24, "a2")
    aux = net.linear(net.op("Flatten", net.op("GlobalAveragePool", x), axis=1), 24, 10, to="aux")
    x = inception(net.pool(x), 24, "b1")
    x = net.op("Flatten", net.op("GlobalAveragePool", x), axis=1)
    return net.model(["n", 3, 64, 64], [net.linear(x, 24, 10, to="logits"), aux])


def squeezenet(*, prelu: bool = False, half: bool = False, size: int | str = 64, opset: int = 17) -> onnx.ModelProto:
    """All convolutions: class maps, which are pooled at the end."""

    def active(x: str, channels: int, to: str = "") -> str:
        return net.prelu(x, channels, to) if prelu else net.relu(x, to)

    def fire(x: str, c_in: int, to: str) -> str:
        x = active(net.conv(x, c_in, 4, 1), 4)
        ways = [active(net.conv(x, 4, 8, 1), 8), active(net.conv(x, 4, 8), 8)]
        return net.op("Concat", *ways, to=to, axis=1)

    net = Net(opset, half=half)
    x = active(net.conv("input", 3, 8, 3, 2), 8, to="conv1")
    x = fire(net.pool(x), 8, "fire2")
    x = fire(net.pool(x), 16, "fire3")
    x = net.op("GlobalAveragePool", active(net.conv(x, 16, 30, 1), 30, to="conv10"))
    axes = ["n", 3, size, size if isinstance(size, int) else "w"]
    return net.model(axes, [net.op("Softmax", net.op("Flatten", x, axis=1, to="scores"), to="prob", axis=1)])


def resnet(opset: int = 17, *, fixed: int = 0) -> onnx.ModelProto:
    """Two stages with a shortcut that is itself reduced, and batch normalisation."""

    def block(x: str, c_in: int, c_out: int, to: str) -> str:
        y = net.relu(net.norm(net.conv(x, c_in, c_out, 3, 2), c_out))
        y = net.norm(net.conv(y, c_out, c_out), c_out)
        return net.relu(net.op("Add", y, net.norm(net.conv(x, c_in, c_out, 1, 2, 0), c_out)), to=to)

    net = Net(opset)
    x = block(block(net.relu(net.norm(net.conv("input", 3, 8, 3, 2), 8), to="stem"), 8, 16, "layer1"), 16, 24, "layer2")
    x = net.op("Flatten", net.op("GlobalAveragePool", x), axis=1, to="pooled")
    return net.model([fixed or "n", 3, 48, 48], [net.linear(x, 24, 10, to="logits")])


def mobilenet() -> onnx.ModelProto:
    """Depthwise convolutions, a residual, a wide last convolution, all axes of the input free."""

    def block(x: str, c_in: int, c_out: int, stride: int, to: str) -> str:
        y = net.relu(net.conv(x, c_in, 2 * c_in, 1))
        y = net.relu(net.conv(y, 2 * c_in, 2 * c_in, 3, stride, group=2 * c_in))
        y = net.conv(y, 2 * c_in, c_out, 1, to=to if stride > 1 else "")
        return y if stride > 1 else net.op("Add", x, y, to=to)

    net = Net()
    x = net.relu(net.conv("input", 3, 8, 3, 2), to="stem")
    x = block(block(x, 8, 12, 2, "b1"), 12, 12, 1, "b2")
    x = net.relu(net.conv(x, 12, 48, 1), to="head")
    x = net.op("Flatten", net.op("GlobalAveragePool", x), axis=1)
    return net.model(["batch_size", "num_channels", "height", "width"], [net.linear(x, 48, 10, to="logits")])


def face_embedder() -> onnx.ModelProto:
    """Pixels are normalised inside; a flattened map goes to an embedding, which is normalised."""
    net = Net(opset=11)
    x = net.op("Mul", net.op("Sub", "data", net.const(127.5)), net.const(0.0078125))
    x = net.prelu(net.norm(net.conv(x, 3, 8, 3, 2), 8), 8, to="first")
    x = net.prelu(net.norm(net.conv(x, 8, 16, 3, 2), 16), 16, to="second")
    x = net.linear(net.op("Flatten", x, axis=1), 16 * 28 * 28, 32)
    return net.model(["None", 3, 112, 112], [net.norm(x, 32, to="fc1")], source="data", author="A. Lab",
                     license="non-commercial research")  # fmt: skip


def vit(*, batch: int | str = "n", registers: int = 0, time_first: bool = False, projected: bool = False,
        size: int | str = 32, depth: int = 4) -> onnx.ModelProto:  # fmt: skip
    """A vision transformer, patches of 8 pixels. time_first: tokens before images inside, as OpenAI's CLIP."""
    net, width, n_tokens = Net(), 12, 17 + registers
    x = net.conv("pixel_values", 3, width, 8, 8, 0, to="patches")
    x = net.op("Reshape", x, net.const(np.array([0, width, -1])))
    x = net.op("Transpose", x, perm=[0, 2, 1])
    first = net.normal(1, 1 + registers, width)
    if batch != 1:
        one = net.op("Gather", net.op("Shape", "pixel_values"), net.const(np.array([0])), axis=0)
        shape = net.op("Concat", one, net.const(np.array([1 + registers, width])), axis=0)
        first = net.op("Expand", first, shape)
    x = net.op("Add", net.op("Concat", first, x, axis=1), net.normal(1, n_tokens, width), to="embedded")
    if time_first:
        x = net.op("Transpose", x, perm=[1, 0, 2])
    for number in range(depth):
        y = net.layer_norm(x, width)
        turned = net.op("Transpose", y, perm=[1, 0, 2]) if time_first else y
        q, k, v = (net.dense(turned, width, width) for _ in range(3))
        weights = net.op("Softmax", net.op("MatMul", q, net.op("Transpose", k, perm=[0, 2, 1])), axis=-1)
        y = net.op("MatMul", weights, v)
        y = net.op("Transpose", y, perm=[1, 0, 2]) if time_first else y
        x = net.op("Add", x, net.dense(y, width, width))
        y = net.dense(net.relu(net.dense(net.layer_norm(x, width), width, 24)), 24, width)
        x = net.op("Add", x, y, to=f"block{number + 1}")
    if time_first:
        x = net.op("Transpose", x, perm=[1, 0, 2])
    if not projected:
        x = net.layer_norm(x, width, to="last_hidden_state")
        pooled = net.op("Gather", x, net.const(np.array(0)), axis=1, to="token")
        outputs = ["last_hidden_state", net.op("Tanh", net.dense(pooled, width, width), to="pooler_output")]
    else:
        pooled = net.layer_norm(net.op("Gather", x, net.const(np.array(0)), axis=1), width, to="post")
        x = net.op("MatMul", pooled, net.normal(width, 20), to="projection")
        outputs = [net.op("Div", x, net.op("ReduceL2", x, axes=[1], keepdims=1), to="image_embeds")]
    axes = [batch, 3, size, size if isinstance(size, int) else "width"]
    return net.model(axes, outputs, source="pixel_values")


def two_towers() -> onnx.ModelProto:
    """CLIP in one file: an image tower, a text tower, and what they say of each other."""
    net = Net()
    x = net.relu(net.conv("pixel_values", 3, 8, 3, 2), to="stem")
    x = net.relu(net.conv(x, 8, 16, 3, 2), to="second")
    image = net.linear(net.op("Flatten", net.op("GlobalAveragePool", x), axis=1), 16, 20, to="image_embeds")
    tokens = net.op("Gather", net.normal(50, 20), "input_ids", axis=0)
    text = net.op("ReduceMean", tokens, axes=[1], keepdims=0, to="text_embeds")
    both = net.op("MatMul", image, net.op("Transpose", text, perm=[1, 0]), to="logits_per_image")
    others = [("input_ids", TensorProto.INT64, ["text_batch", "sequence"])]
    return net.model(["n", 3, 32, 32], [both, "text_embeds", "image_embeds"], source="pixel_values", others=others)


def channels_last(element: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """As converters of TensorFlow write it: channels last outside, first inside, Keras' preprocessing in the graph."""
    net = Net()
    x = "images_in"
    if element != TensorProto.FLOAT:
        net.nodes.append(helper.make_node("Cast", [x], ["floats"], to=TensorProto.FLOAT))
        x = "floats"
    x = net.op("Sub", net.op("Div", x, net.const(127.5)), net.const(1.0))
    x = net.op("Transpose", x, perm=[0, 3, 1, 2])
    x = net.relu(net.conv(x, 3, 8, 3, 2), to="first")
    x = net.relu(net.conv(x, 8, 12, 3, 2), to="second")
    x = net.op("Transpose", x, perm=[0, 2, 3, 1], to="turned")
    return net.model(["unk__1", 40, 48, 3], [net.op("ReduceMean", x, axes=[1, 2], keepdims=0, to="out")],
                     source="images_in", element=element)  # fmt: skip


def u_net() -> onnx.ModelProto:
    """A segmenter, through which no single tensor carries everything until the end."""
    net = Net()
    one = net.relu(net.conv("input", 3, 8), to="one")
    two = net.relu(net.conv(net.pool(one), 8, 16), to="two")
    three = net.relu(net.conv(net.pool(two), 16, 24), to="three")
    scales = net.const(np.array([1, 1, 2, 2], np.float32))
    up = net.op("Concat", net.op("Resize", three, "", scales, mode="nearest"), two, axis=1)
    up = net.relu(net.conv(up, 40, 16))
    up = net.op("Concat", net.op("Resize", up, "", scales, mode="nearest"), one, axis=1)
    return net.model(["n", 3, 64, 64], [net.op("Sigmoid", net.conv(up, 24, 1, 1, to="mask_logits"), to="mask")])


def save(model: onnx.ModelProto, file: Path) -> Path:
    """Write a model."""
    onnx.save(model, file)
    return file
