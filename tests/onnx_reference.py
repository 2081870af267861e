"""A network written down as ONNX operators with channels first, to compare another form of it with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime


class Reference:
    """Collects operators; `run` computes what they do to float images (n, channels, height, width) named `images`."""

    def __init__(self, constants: Mapping[str, np.ndarray]) -> None:
        self.constants = dict(constants)
        self._nodes: list[onnx.NodeProto] = []

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add an operator; returns the name of its output."""
        self._nodes.append(onnx.helper.make_node(op, inputs, [f"{op}{len(self._nodes)}"], **attributes))
        return str(self._nodes[-1].output[0])

    def run(self, outputs: Sequence[str], images: np.ndarray) -> list[np.ndarray]:
        """The outputs of these names, with channels last."""
        arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in self.constants.items()}
        graph = onnx.helper.make_graph(
            self._nodes,
            "reference",
            [onnx.helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, images.shape)],
            [onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None) for output in outputs],
            [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        found = session.run(None, {"images": np.ascontiguousarray(images, np.float32)})
        return [output.transpose(0, 2, 3, 1) for output in found]
