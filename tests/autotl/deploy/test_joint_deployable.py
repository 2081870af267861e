"""The deployable of several targets answers what each answers alone, and replaces nothing where it would not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from small_models import write_small_model

from autotl.deploy import predictor, targets_predictor
from autotl.deploy.joint_deployable import find_joint, write_joint
from autotl.errors import ExportError, RunError

CLASSES = {"pet": ("cat", "dog"), "label": ("label", "error", "x")}
"""One target, and some classes, are called as columns are."""


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    return {
        name: write_small_model(tmp_path / name, seed=seed, classes=classes)
        for seed, (name, classes) in enumerate(CLASSES.items())
    }


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for file in files:
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(file)
    return files


def test_it_answers_what_each_model_answers_alone(
    models: dict[str, Path], images: list[Path], tmp_path: Path
) -> None:  # fmt: skip
    joint = write_joint(models, tmp_path / "joint", metadata={"run": "study"})
    assert dict(joint.classes) == CLASSES
    assert joint.metadata["run"] == "study"
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"none")
    *answers, bad = targets_predictor.Predictor(joint.folder).predict([*images, broken])
    assert set(bad) == {"item", "error"}
    for name, folder in models.items():
        for one, said in zip(predictor.Predictor(folder).predict(images), answers, strict=True):
            assert said["targets"][name]["label"] == one["label"]
            assert said["targets"][name]["probabilities"] == pytest.approx(one["probabilities"], abs=1e-6)


def test_what_both_compute_is_in_the_graph_once(models: dict[str, Path], tmp_path: Path) -> None:
    joint = write_joint(models, tmp_path / "joint", metadata={})
    kinds = [node.op_type for node in onnx.load(joint.folder / "model.onnx").graph.node]
    assert (kinds.count("ReduceMean"), kinds.count("MatMul")) == (1, 2)
    assert len(joint.metadata["parts"]) == 1  # type: ignore[arg-type]


def test_the_folder_runs_without_autotl(models: dict[str, Path], images: list[Path], tmp_path: Path) -> None:
    joint = write_joint(models, tmp_path / "joint", metadata={})
    text = (joint.folder / "predictor.py").read_text(encoding="utf-8")
    assert "from autotl" not in text
    blocked = "import sys, runpy; sys.modules['autotl'] = None; sys.argv = sys.argv[1:]; "
    code = blocked + "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", code, str(joint.folder / "predictor.py"), str(images[0])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)[0]["targets"]) == set(CLASSES)


def test_columns_of_a_table_are_named_after_their_target(models: dict[str, Path], tmp_path: Path) -> None:
    layout = (write_joint(models, tmp_path / "joint", metadata={}).folder / "MLmodel").read_text(encoding="utf-8")
    for column in ("pet.label", "pet.cat", "label.label", "label.label (probability)", "label.x"):
        assert f'\\"name\\": \\"{column}\\"' in layout


def test_a_model_that_would_answer_otherwise_does_not_replace_the_one_that_is_there(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joint = write_joint(models, tmp_path / "joint", metadata={"of": "before"})
    other = write_small_model(tmp_path / "other", seed=9)
    graph = onnx.load(models["pet"] / "model.onnx")
    load = onnx.load
    monkeypatch.setattr(onnx, "load", lambda file: graph if Path(file).parent == other else load(file))
    with pytest.raises(ExportError, match="differs from that of pet by"):
        write_joint({**models, "pet": other}, tmp_path / "joint", metadata={})
    found = find_joint(joint.folder)
    assert found is not None
    assert found.metadata["of"] == "before"


def test_damaged_metadata_is_said(models: dict[str, Path], tmp_path: Path) -> None:
    joint = write_joint(models, tmp_path / "joint", metadata={})
    (joint.folder / "metadata.json").write_text('{"targets": 3}', encoding="utf-8")
    with pytest.raises(RunError, match="damaged"):
        find_joint(joint.folder)
