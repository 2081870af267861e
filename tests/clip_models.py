"""A small exported model of clips: whether they get lighter or darker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from moving_crops import write_gif
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from autotl.clips.clip_source import FRAMES
from autotl.deploy.deployable import write_deployable

EDGE = 8
CLASSES = ("darker", "lighter")


def clip_graph() -> onnx.ModelProto:
    """`images` uint8 (n, FRAMES, 8, 8, 3) to probabilities, by the mean of the last frames less that of the first."""
    sign = np.repeat([-1.0, 1.0], FRAMES // 2).astype(np.float32).reshape(FRAMES, 1) / 40
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["frames"], axes=[2, 3, 4], keepdims=0),
        helper.make_node("MatMul", ["frames", "sign"], ["gain"]),
        helper.make_node("Neg", ["gain"], ["loss"]),
        helper.make_node("Concat", ["loss", "gain"], ["logits"], axis=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes, "clips", [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", FRAMES, EDGE, EDGE, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(sign, "sign")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def changing(first: int, last: int) -> list[Image.Image]:
    """Frames whose grey level goes from one to the other."""
    return [Image.new("L", (12, 10), int(level)) for level in np.linspace(first, last, 12)]


def write_clip_model(folder: Path, clips: Path) -> Path:
    """Write the model; clips: a folder for its replay items."""
    files = [write_gif(clips / "up.gif", changing(40, 200)), write_gif(clips / "down.gif", changing(200, 40))]
    write_deployable(
        clip_graph(), folder, classes=CLASSES, size=(EDGE, EDGE), modality="clip", metadata={}, card="# Clips\n",
        replay=[(file.name, file.read_bytes()) for file in files], expected=None,
    )  # fmt: skip
    return folder
