"""The predictor: any number of files in, one answer per file out, in order."""

import ast
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import skimage.data
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from autotl.data.modalities import MODALITIES
from autotl.deploy import predictor, targets_predictor
from autotl.deploy.deployable import predictor_source
from autotl.deploy.predictor import BATCH_SIZE, Predictor, main
from autotl.images.decoder import decode


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers with the mean brightness: dark, light."""
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["light"]),
        helper.make_node("Sub", ["one", "light"], ["dark"]),
        helper.make_node("Unsqueeze", ["light", "last"], ["light2"]),
        helper.make_node("Unsqueeze", ["dark", "last"], ["dark2"]),
        helper.make_node("Concat", ["dark2", "light2"], ["probabilities"], axis=1),
    ]
    constants = {
        "axes": np.array([1, 2, 3], np.int64),
        "white": np.float32(255),
        "one": np.float32(1),
        "last": np.array([1], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 8, 8, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    folder = tmp_path_factory.mktemp("model")
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    metadata = {"classes": ["dark", "light"], "columns": ["dark", "light"], "height": 8, "width": 8}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder


def grey(level: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (20, 10), level).save(file, "PNG")
    return file.getvalue()


def test_answers_keep_their_order_over_batches_and_bad_files(folder: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 256, 2 * BATCH_SIZE + 5)
    items = [b"bad" if n % 7 == 3 else grey(int(level)) for n, level in enumerate(levels)]
    answers = Predictor(folder).predict(items)
    assert [answer["item"] for answer in answers] == [f"item {n}" for n in range(len(items))]
    for n, (level, answer) in enumerate(zip(levels, answers, strict=True)):
        if n % 7 == 3:
            assert set(answer) == {"item", "error"}
        else:
            assert answer["probabilities"]["light"] == pytest.approx(level / 255, abs=1e-6)
            assert answer["label"] == ("light" if level > 127 else "dark")


def test_a_path_is_its_own_name(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "night.png"
    path.write_bytes(grey(3))
    first, second, third = Predictor(folder).predict([path, str(path), tmp_path / "gone.png"])
    assert first == second
    assert (first["item"], first["label"]) == (str(path), "dark")
    assert third == {"item": str(tmp_path / "gone.png"), "error": "there is no such file"}


def test_probabilities_of_pixels_are_those_of_the_files(folder: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(skimage.data.coffee()).save(file, "PNG")
    predictor = Predictor(folder)
    pixels = np.stack([decode(file.getvalue(), 8, 8)] * (BATCH_SIZE + 1))
    rows = predictor.probabilities(pixels)
    assert rows.shape == (BATCH_SIZE + 1, 2)
    assert rows.dtype == np.float32
    (answer,) = predictor.predict([file.getvalue()])
    np.testing.assert_allclose(rows[-1], list(answer["probabilities"].values()), atol=1e-6)


def test_nothing_in_nothing_out(folder: Path) -> None:
    assert Predictor(folder).predict([]) == []
    assert Predictor(folder).predict([b""])[0]["error"] == "it is empty (0 bytes)"
    assert Predictor(folder).probabilities(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 2)


@pytest.mark.parametrize("index", [[2, 0, 1], ["x", "x", "y"]])
def test_the_answers_to_a_shuffled_column_bear_their_own_names(
    folder: Path, tmp_path: Path, index: list[object]
) -> None:
    levels = {"night": 3, "day": 250, "noon": 255}
    for name, level in levels.items():
        (tmp_path / f"{name}.png").write_bytes(grey(level))
    column = pd.Series([str(tmp_path / f"{name}.png") for name in levels], index=index)
    answers = Predictor(folder).predict(column)
    assert [(Path(answer["item"]).stem, answer["label"]) for answer in answers] == [
        ("night", "dark"), ("day", "light"), ("noon", "light"),
    ]  # fmt: skip


def test_one_image_is_one_answer_whatever_it_is_given_as(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "night.png").write_bytes(grey(3))
    predictor = Predictor(folder)
    image = Image.open(tmp_path / "night.png")
    for one in (str(tmp_path / "night.png"), tmp_path / "night.png", grey(3), image, np.asarray(image)):
        [answer] = predictor.predict(one)
        assert answer["probabilities"]["light"] == pytest.approx(3 / 255, abs=1e-6)


def test_the_command_line_writes_utf8_whatever_the_system_writes(folder: Path, tmp_path: Path) -> None:
    model = shutil.copytree(folder, tmp_path / "model")
    metadata = {"classes": ["dunkel \U0001f600", "grün"], "columns": ["a", "b"], "height": 8, "width": 8}
    (model / "metadata.json").write_text(json.dumps(metadata))
    (model / "predictor.py").write_text(predictor_source(), encoding="utf-8")
    (tmp_path / "é.png").write_bytes(grey(3))
    for encoding in ("ascii", "cp1252", "utf-16"):
        done = subprocess.run(
            [sys.executable, model / "predictor.py", "é.png", "gone.png", b"\xff.png"], cwd=tmp_path,
            capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        first, second, third = json.loads(done.stdout.decode("utf-8"))
        assert (first["item"], first["label"]) == ("é.png", "dunkel \U0001f600")
        assert second["error"] == third["error"] == "there is no such file"
    done = subprocess.run([sys.executable, model / "predictor.py", "gone.png"], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stderr) == (2, b"no image could be read\n")


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("module", [predictor, targets_predictor])
def test_no_name_of_the_exported_file_means_two_things(modality: str, module: ModuleType) -> None:
    tree = ast.parse(predictor_source(modality, module))
    inside = [node.body if isinstance(node, ast.If) else [node] for node in tree.body]
    names = []
    for node in (node for nodes in inside for node in nodes):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
    assert {"Predictor", "ItemReader", "BATCH_SIZE"} <= set(names)
    assert len(names) == len(set(names))
    assert "from autotl" not in predictor_source()


def test_the_command_line_without_images_says_how_to_call_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "python predictor.py FILE" in capsys.readouterr().err


def test_onnx_runtime_keeps_no_record_of_its_use_to_report(folder: Path, tmp_path: Path) -> None:
    model, home = shutil.copytree(folder, tmp_path / "model"), tmp_path / "home"
    (model / "predictor.py").write_text(predictor_source(), encoding="utf-8")
    (tmp_path / "a.png").write_bytes(grey(3))
    home.mkdir()
    told = {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in told} | {"HOME": str(home)}
    for command in ([model / "predictor.py", tmp_path / "a.png"], ["-c", "import autotl, onnxruntime"]):
        subprocess.run([sys.executable, *command], capture_output=True, env=environment, check=True)
        assert list(home.iterdir()) == []


@pytest.fixture(scope="module")
def doubting(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, which says dark up to a fifth and light from a half on, and is unsure below 0.7."""
    import onnx

    from autotl.deploy.doubts import add_set, add_unsure

    model = onnx.load(folder / "model.onnx")
    model = add_set(model, np.array([0.2, 0.5]), penalty=None, free_ranks=0)
    model = add_unsure(model, 0.7, 2)
    copy = tmp_path_factory.mktemp("doubting")
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    (copy / "model.onnx").write_bytes(model.SerializeToString())
    return copy


def test_a_model_that_offers_doubts_says_them_of_every_image(doubting: Path) -> None:
    predictor = Predictor(doubting)
    assert predictor.doubts == ("set", "unsure")
    found = predictor.predict([grey(10), grey(90), b"torn", grey(140), grey(255)])
    assert [row.get("set") for row in found] == [["dark"], [], None, ["light"], ["light"]]
    assert [row.get("unsure") for row in found] == [False, True, None, True, False]


def test_without_doubts_the_answers_are_those_of_the_model_that_has_none(folder: Path, doubting: Path) -> None:
    images = [grey(level) for level in range(0, 256, 5)]
    assert Predictor(doubting).predict(images, doubts=False) == Predictor(folder).predict(images)
    with_doubts = Predictor(doubting).predict(images)
    assert [row["probabilities"] for row in with_doubts] == [
        row["probabilities"] for row in Predictor(folder).predict(images)
    ]


def test_a_model_that_was_exported_without_doubts_goes_on_answering(folder: Path) -> None:
    [found] = Predictor(folder).predict(grey(90), doubts=True)
    assert set(found) == {"item", "label", "probabilities"}
    assert Predictor(folder).doubts == ()
