"""An exported model looks at what its crop finds, with the crop's own file and nothing of AutoTL."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from made_crops import framed, write_crop
from onnx import TensorProto, helper
from PIL import Image

from autotl.deploy.deployable import load_deployable, replay, write_deployable
from autotl.deploy.joint_deployable import write_joint
from autotl.deploy.predictor import Predictor as OnePredictor
from autotl.deploy.targets_predictor import Predictor
from autotl.errors import RunError
from autotl.features.crops import keep_crop


def brightness_model() -> onnx.ModelProto:
    """Two classes whose probabilities are the mean brightness and the rest."""
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Div", ["mean", "most"], ["share"]),
        helper.make_node("Unsqueeze", ["share", "axis"], ["bright"]),
        helper.make_node("Sub", ["one", "bright"], ["dark"]),
        helper.make_node("Concat", ["bright", "dark"], ["probabilities"], axis=1),
    ]
    constants = [
        helper.make_tensor("most", TensorProto.FLOAT, [], [255.0]),
        helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 16, 16, 3])
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "brightness", [images], [output], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


PATCH = np.full((40, 40, 3), 255, np.uint8)
SCENE = framed(PATCH, (40, 10, 10, 50), fill=0)


@pytest.fixture
def exported(tmp_path):
    crop = write_crop(tmp_path / "crop", files=lambda: {"least.txt": b"250"}, licence="MIT", source="here")
    return write_deployable(
        brightness_model(), tmp_path / "model", classes=("bright", "dark"), size=(16, 16),
        replay=[("scene.png", png(SCENE))], expected=None, metadata={}, card="a card",
        files=keep_crop(crop, tmp_path / "cache").files,
    )  # fmt: skip


def test_it_says_which_crop_it_carries_and_its_replay_holds(exported):
    crop = json.loads((exported.folder / "metadata.json").read_text(encoding="utf-8"))["crop"]
    assert (crop["name"], crop["licence"], crop["source"]) == ("bright", "MIT", "here")
    assert replay(load_deployable(exported.folder)) < 1e-6


def test_it_answers_about_the_part_and_about_the_whole_image_where_nothing_is_found(exported, tmp_path):
    grey = np.full((30, 50, 3), 51, np.uint8)
    for name, pixels in (("scene", SCENE), ("grey", grey)):
        (tmp_path / f"{name}.png").write_bytes(png(pixels))
    program = [sys.executable, "-I", str(exported.folder / "predictor.py")]
    done = subprocess.run(
        [*program, str(tmp_path / "scene.png"), str(tmp_path / "grey.png")], capture_output=True, text=True, check=True
    )  # fmt: skip
    scene, whole = json.loads(done.stdout)
    assert scene["probabilities"]["bright"] > 0.95
    assert whole["probabilities"]["bright"] == pytest.approx(0.2, abs=0.01)
    assert "import autotl" not in (exported.folder / "predictor.py").read_text(encoding="utf-8")


def test_of_several_targets_each_is_answered_by_what_its_own_model_looks_at(exported, tmp_path):
    whole = write_deployable(
        brightness_model(), tmp_path / "whole", classes=("bright", "dark"), size=(16, 16),
        replay=[("scene.png", png(SCENE))], expected=None, metadata={}, card="a card",
    )  # fmt: skip
    joint = write_joint({"part": exported.folder, "whole": whole.folder}, tmp_path / "joint", metadata={})
    (tmp_path / "scene.png").write_bytes(png(SCENE))
    [said] = Predictor(joint.folder).predict([tmp_path / "scene.png"])
    bright = {name: answer["probabilities"]["bright"] for name, answer in said["targets"].items()}
    assert bright["part"] > 0.95
    assert bright["whole"] == pytest.approx(40 * 40 / (90 * 100), abs=0.02)


def test_a_crop_whose_file_was_changed_no_longer_replays(exported):
    module = exported.folder / "crop.py"
    module.write_text("def open(files):\n    return lambda pixels: None\n", encoding="utf-8")
    assert replay(load_deployable(exported.folder)) > 0.1


def test_code_that_is_part_of_no_plugin_here_is_not_run(exported):
    module = exported.folder / "crop.py"
    module.write_text(f"{module.read_text(encoding='utf-8')}\nopen('ran', 'w')\n", encoding="utf-8")
    with pytest.raises(RunError, match="part of no plugin that is installed here"):
        OnePredictor(exported.folder)
