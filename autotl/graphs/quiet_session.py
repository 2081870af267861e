"""Runs a graph as it is on the processor, without the messages of ONNX Runtime: to find out what it computes."""

from __future__ import annotations

from typing import Any

import onnx


def open_session(model: onnx.ModelProto) -> Any:
    """A session of ONNX Runtime; it raises its own kinds of errors where the graph cannot be run."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
