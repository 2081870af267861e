"""The three networks of MTCNN as ONNX graphs, from the weights in the Python package facenet-pytorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

# Each step: ("conv", name), ("pool", edge), ("dense", name); a convolution or dense layer has its own PReLU.
_TRUNKS: Mapping[str, Sequence[tuple[str, str | int]]] = {
    "pnet": (("conv", "conv1"), ("pool", 2), ("conv", "conv2"), ("conv", "conv3")),
    "rnet": (("conv", "conv1"), ("pool", 3), ("conv", "conv2"), ("pool", 3), ("conv", "conv3"), ("dense", "dense4")),
    "onet": (
        ("conv", "conv1"), ("pool", 3), ("conv", "conv2"), ("pool", 3), ("conv", "conv3"), ("pool", 2),
        ("conv", "conv4"), ("dense", "dense5"),
    ),
}  # fmt: skip
_OUTPUTS = {
    "pnet": {"scores": "conv4_1", "offsets": "conv4_2"},
    "rnet": {"scores": "dense5_1", "offsets": "dense5_2"},
    "onet": {"scores": "dense6_1", "offsets": "dense6_2", "points": "dense6_3"},
}
_EDGES = {"pnet": None, "rnet": 24, "onet": 48}


def write_network(name: str, weights: Mapping[str, np.ndarray]) -> bytes:
    """The graph of "pnet", "rnet" or "onet", as the content of an ONNX file; KeyError if a tensor is missing."""
    from onnx import TensorProto, helper

    graph = _Graph(weights)
    before = "images"
    for number, (kind, which) in enumerate(_TRUNKS[name], 1):
        if kind == "pool":
            before = graph.add(
                "MaxPool", [before], kernel_shape=[which, which], strides=[2, 2], ceil_mode=1, out=f"pool{number}"
            )
        else:
            if kind == "dense":  # the weights expect width before height
                before = graph.add("Transpose", [before], perm=[0, 3, 2, 1], out="transposed")
                before = graph.add("Flatten", [before], out="row")
            before = graph.layer(before, str(which))
            before = graph.prelu(before, f"prelu{str(which)[-1]}")
    outputs = []
    for output, layer in _OUTPUTS[name].items():
        found = graph.layer(before, layer, out=output if output != "scores" else "margins")
        if output == "scores":
            graph.add("Softmax", [found], axis=1, out=output)
        rank = ["n", None, "h", "w"] if name == "pnet" else ["n", None]
        outputs.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, rank))
    edge = _EDGES[name]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, edge or "height", edge or "width"])
    made = helper.make_graph(graph.nodes, name, [images], outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """A graph that is being written, with the tensors that its layers are made of, by PyTorch's names."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._weights = weights

    def add(self, operation: str, inputs: Sequence[str], *, out: str, **attributes: object) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operation, list(inputs), [out], **attributes))
        return out

    def layer(self, before: str, name: str, *, out: str = "") -> str:
        """A convolution or a dense layer, by the shape of its weights."""
        kernel, bias = self._constant(f"{name}.weight"), self._constant(f"{name}.bias")
        if self._weights[f"{name}.weight"].ndim == 4:
            return self.add("Conv", [before, kernel, bias], out=out or name)
        return self.add("Gemm", [before, kernel, bias], transB=1, out=out or name)

    def prelu(self, before: str, name: str) -> str:
        axes = (1, 1) if self._last_is_conv(before) else ()
        slope = self._constant(f"{name}.weight", (-1, *axes))
        return self.add("PRelu", [before, slope], out=name)

    def _last_is_conv(self, before: str) -> bool:
        return self._weights[f"{before}.weight"].ndim == 4

    def _constant(self, name: str, shape: tuple[int, ...] | None = None) -> str:
        from onnx import numpy_helper

        values = np.ascontiguousarray(self._weights[name], np.float32)
        self.constants.append(numpy_helper.from_array(values.reshape(shape) if shape else values, name))
        return name
