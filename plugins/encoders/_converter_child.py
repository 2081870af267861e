"""The child process that converts LiteRT files and TensorFlow.js graph models to ONNX with tf2onnx."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotl.errors import ConfigError
from autotl_plugins.encoders._child_work import answer_with

OPSET = "18"


def main() -> None:
    """Answer requests: `kind` ("tflite" or "tfjs"), `file`, and `network`, the ONNX file to write."""
    answer_with(convert)


def convert(request: Mapping[str, Any]) -> None:
    """Convert the file of a request."""
    file = Path(request["file"])
    with tempfile.TemporaryDirectory() as folder:
        if request["kind"] == "tfjs":
            completed = Path(folder) / "model.json"
            document = completed_document(json.loads(file.read_bytes()), file.parent)
            completed.write_text(json.dumps(document), encoding="utf-8")
            file = completed
        _run_converter([f"--{request['kind']}", str(file), "--output", request["network"], "--opset", OPSET])
    _require_converted(Path(request["network"]), request["file"])


def _require_converted(network: Path, file: str) -> None:
    """Raise ConfigError if operations were left as they are, which tf2onnx only logs."""
    import onnx

    if not network.is_file():
        raise ConfigError(f"tf2onnx wrote no network for {file}.")
    operations = {node.op_type for node in onnx.load(network).graph.node if not node.domain}
    if left := sorted(name for name in operations if not onnx.defs.has(name)):
        raise ConfigError(
            f"{file} cannot be converted to ONNX: tf2onnx does not know its operations {', '.join(left)}. Use another "
            "network, or one that is published as ONNX."
        )


def completed_document(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A graph model as tf2onnx 1.17 takes it beside a TensorFlow of today.

    Its weights are in one group, by absolute paths; and fused convolutions have the attribute `TArgs`, which TensorFlow
    demands since 2.14 and older models lack.
    """
    groups = document["weightsManifest"]
    paths = [str((folder / path).absolute()) for group in groups for path in group["paths"]]
    topology = document["modelTopology"]
    functions = topology.get("library", {}).get("function", [])
    for node in (*topology["node"], *(node for function in functions for node in function.get("nodeDef", []))):
        attributes = node.get("attr", {})
        if node["op"] == "_FusedConv2D" and "num_args" in attributes:
            types = [attributes["T"]["type"]] * int(attributes["num_args"]["i"])
            attributes.setdefault("TArgs", {"list": {"type": types}})
    weights = [weight for group in groups for weight in group["weights"]]
    return {**document, "weightsManifest": [{"paths": paths, "weights": weights}]}


def _run_converter(arguments: list[str]) -> None:
    """Run tf2onnx as its command line does: it offers no function for TensorFlow.js."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import numpy as np

    if not hasattr(np, "product"):
        vars(np)["product"] = np.prod  # tf2onnx 1.17 still calls it by the name that NumPy 2 dropped
    import tf2onnx.convert

    sys.argv = ["tf2onnx", *arguments]
    tf2onnx.convert.main()
