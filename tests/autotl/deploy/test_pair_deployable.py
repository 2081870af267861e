"""A deployable of pairs answers from an image and its text, however they are given, with nothing of AutoTL's."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import onnx
import pandas as pd
import pytest
from pair_models import TEXTS, photo, write_pair_model
from small_models import write_small_model

from autotl.deploy.batch_prediction import classify
from autotl.deploy.deployable import TOLERANCE, load_deployable, replay
from autotl.deploy.joint_deployable import find_joint, write_joint
from autotl.deploy.predictor import Predictor
from autotl.deploy.targets_predictor import Predictor as JointPredictor
from autotl.errors import ExportError
from autotl.images import safe_decode
from autotl.pairs.pair_files import held_parts, named_parts

BY = ("tokens", "counts")
BLOCKED = "import sys, runpy; sys.modules['autotl'] = None; sys.argv = sys.argv[1:]; "
PAIRS = [(photo(50 * n), text) for n, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {by: write_pair_model(root / by, by=by, seed=n) for n, by in enumerate(BY)}


def run_predictor(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    code = BLOCKED + "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", code, str(folder / "predictor.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("by", BY)
def test_it_says_what_it_takes_and_needs(models: dict[str, Path], by: str) -> None:
    deployable = load_deployable(models[by])
    assert replay(deployable) < TOLERANCE
    metadata = deployable.metadata
    assert (metadata["modality"], metadata["task"]) == ("pair", "image-and-text-classification")
    tokens = {"kind": "tokens", "n_tokens": 8, "version": 1}
    assert metadata["input"] == (tokens if by == "tokens" else {"kind": "counts"})
    needs = {"onnxruntime", "pillow", "numpy"} | ({"tokenizers"} if by == "tokens" else set())
    assert {line.partition("==")[0] for line in (models[by] / "requirements.txt").read_text().split()} == needs


@pytest.mark.parametrize("by", BY)
def test_the_same_pair_has_the_same_answer_in_every_form(models: dict[str, Path], by: str, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(photo(90))
    (tmp_path / "note.txt").write_text("the film was good")
    (tmp_path / "named.pair").write_bytes(named_parts("photo.png", "note.txt"))
    (tmp_path / "held.pair").write_bytes(held_parts(photo(90), "the film was good"))
    table = pd.DataFrame({"image": [str(tmp_path / "photo.png")], "text": ["the film was good"]})
    given: list[Any] = [
        (photo(90), "the film was good"), (tmp_path / "photo.png", tmp_path / "note.txt"), tmp_path / "named.pair",
        str(tmp_path / "held.pair"), (tmp_path / "held.pair").read_bytes(), table,
    ]  # fmt: skip
    predictor = Predictor(models[by])
    answers = [answer["probabilities"] for one in given for answer in predictor.predict(one)]
    assert answers == [answers[0]] * len(given)


def test_both_parts_count(models: dict[str, Path]) -> None:
    for folder in models.values():
        predictor = Predictor(folder)
        [first, other_text, other_image] = predictor.predict([
            (photo(0), "good"), (photo(0), "very dull"), (photo(255, 255), "good"),
        ])  # fmt: skip
        assert first["probabilities"] != other_text["probabilities"]
        assert first["probabilities"] != other_image["probabilities"]


@pytest.mark.parametrize("by", BY)
def test_the_folder_runs_without_autotl(models: dict[str, Path], by: str, tmp_path: Path) -> None:
    (tmp_path / "a.pair").write_bytes(held_parts(photo(90), "the film was good"))
    (tmp_path / "photo.png").write_bytes(photo(90))
    done = run_predictor(models[by], tmp_path / "a.pair", tmp_path / "photo.png")
    assert done.returncode == 0, done.stderr
    answer, bad = json.loads(done.stdout)
    [expected] = Predictor(models[by]).predict(tmp_path / "a.pair")
    assert answer == expected
    assert "give both, or a table with a column of images and a column of texts" in bad["error"]
    done = run_predictor(models[by], tmp_path / "photo.png")
    assert (done.returncode, done.stderr) == (2, "no pair could be read\n")


@pytest.mark.parametrize("by", BY)
def test_mlflow_takes_a_table_with_both_columns(models: dict[str, Path], by: str) -> None:
    model = mlflow.pyfunc.load_model(str(models[by]))
    table = pd.DataFrame(PAIRS, columns=["image", "text"], index=[7, 7, 8, 9])
    found = model.predict(table)
    expected = [list(answer["probabilities"].values()) for answer in Predictor(models[by]).predict(PAIRS)]
    np.testing.assert_allclose(found[["bad", "good"]].to_numpy(), expected, atol=1e-6)
    assert found.index.tolist() == [7, 7, 8, 9]
    encoded = table.assign(image=[base64.b64encode(image).decode() for image, _ in PAIRS])
    pd.testing.assert_frame_equal(model.unwrap_python_model().predict(encoded), found)
    with pytest.raises(ValueError, match=r"the table has no column 'text'; the model takes 'image' and 'text'"):
        model.unwrap_python_model().predict(table[["image"]])
    damaged = table.assign(text=["a", None, "b", "c"], image=[photo(1), photo(1), b"x", photo(2)])
    with pytest.raises(ValueError, match=r"2 of 4 pairs cannot be read\. row 1: its text: it is missing; row 2: its i"):
        model.unwrap_python_model().predict(damaged)


@pytest.mark.parametrize("cell", [None, float("nan"), 7, "no base64!", b"", [], {"a": 1}])
def test_odd_cells_are_named_by_their_row(models: dict[str, Path], cell: object) -> None:
    model = mlflow.pyfunc.load_model(str(models["counts"])).unwrap_python_model()
    table = pd.DataFrame({"image": [photo(3), cell], "text": ["good", "good"]})
    with pytest.raises(ValueError, match=r"1 of 2 pairs cannot be read\. row 1: its image: "):
        model.predict(table)


def test_an_image_that_would_end_the_process_is_not_read(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(safe_decode, "decode_risk", lambda source: "it bites" if "heic" in str(source) else "")
    (tmp_path / "bad.pair").write_bytes(named_parts("bad.heic", "a.txt"))
    predictor = Predictor(models["counts"])
    given = predictor.reader.given([tmp_path / "bad.pair", ("worse.heic", "good"), (photo(3), "good"), b"none", None])
    [answers] = classify(predictor, given)
    said = [answer.get("error", answer.get("label")) for answer in answers]
    assert said[:2] == ["its image: it bites"] * 2
    assert said[2] in ("bad", "good")
    assert said[3].startswith("it is not the file of a pair")
    assert said[4] == "it is missing"


def test_several_targets_of_pairs_are_answered_by_one_model(models: dict[str, Path], tmp_path: Path) -> None:
    joint = write_joint(models, tmp_path / "joint", metadata={})
    answers = JointPredictor(joint.folder).predict(PAIRS)
    for name, folder in models.items():
        for alone, one in zip(Predictor(folder).predict(PAIRS), answers, strict=True):
            assert one["targets"][name]["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-6)
    done = run_predictor(joint.folder, joint.folder / "replay" / "0.pair")
    assert done.returncode == 0, done.stderr
    found = mlflow.pyfunc.load_model(str(joint.folder)).predict(pd.DataFrame(PAIRS, columns=["image", "text"]))
    assert set(found) == {f"{by}.{column}" for by in BY for column in ("label", "bad", "good")}


def test_targets_that_read_images_alone_are_answered_from_pairs_too(models: dict[str, Path], tmp_path: Path) -> None:
    mixed = {"pet": write_small_model(tmp_path / "pet"), "film": models["tokens"]}
    items = [
        {"pair": (f"{n}.pair", held_parts(*pair)), "image": (f"{n}.png", pair[0]), "text": (f"{n}.txt", b"")}
        for n, pair in enumerate(PAIRS)
    ]
    joint = write_joint(mixed, tmp_path / "joint", metadata={}, items=items)
    found = find_joint(joint.folder)
    assert found is not None
    assert found.metadata["modality"] == "pair"
    answers = JointPredictor(joint.folder).predict(PAIRS)
    for alone, one in zip(Predictor(mixed["pet"]).predict([image for image, _ in PAIRS]), answers, strict=True):
        assert one["targets"]["pet"]["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-6)
    for alone, one in zip(Predictor(mixed["film"]).predict(PAIRS), answers, strict=True):
        assert one["targets"]["film"]["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-6)
    done = run_predictor(joint.folder, joint.folder / "replay" / "0.pair")
    assert done.returncode == 0, done.stderr


def test_a_mixed_model_that_would_answer_otherwise_is_refused(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed = {"pet": write_small_model(tmp_path / "pet"), "film": models["tokens"]}
    other = write_small_model(tmp_path / "other", seed=9)
    load, graph = onnx.load, onnx.load(other / "model.onnx")
    monkeypatch.setattr(onnx, "load", lambda file: graph if Path(file).parent == mixed["pet"] else load(file))
    items = [{"pair": ("0.pair", held_parts(*PAIRS[0])), "image": ("0.png", PAIRS[0][0])}]
    with pytest.raises(ExportError, match="differs from that of pet by"):
        write_joint(mixed, tmp_path / "joint", metadata={}, items=items)
    assert not (tmp_path / "joint").exists()
