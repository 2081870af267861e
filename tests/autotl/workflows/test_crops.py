"""A search that tries a crop keeps it where it pays, and says what it did: from the features to the exported model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import draw
from made_crops import crops_plugin, write_crop
from PIL import Image

from autotl.deploy.deployable import load_deployable, replay
from autotl.deploy.predictor import Predictor
from autotl.errors import ConfigError, WeightsError
from autotl.hookspecs import hookimpl
from autotl.interfaces import Backbone, Encoder
from autotl.plugins import load_plugins
from autotl.runs.backbones_tried import KEY, BackbonesTried, TriedBackbone
from autotl.runs.config import Config
from autotl.runs.crops import CROPS_KEY
from autotl.runs.run import Run
from autotl.settings import Settings
from autotl.workflows.crops import crops
from autotl.workflows.explaining import explain
from autotl.workflows.fit import fit
from autotl.workflows.networks import require_networks


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small shapes somewhere in dark images; one of each class has no shape that a crop could find."""
    folder, rng = tmp_path_factory.mktemp("scenes"), np.random.default_rng(0)
    for kind in ("circle", "square", "stripes"):
        (folder / kind).mkdir()
        for number in range(20):
            scene = np.array(Image.fromarray(rng.integers(0, 45, (5, 5, 3)).astype(np.uint8)).resize((112, 112)))
            if number:
                left, top = rng.integers(0, 72, 2)
                scene[top : top + 40, left : left + 40] = np.maximum(np.asarray(draw(kind, rng, 40)), 60)
            Image.fromarray(scene).save(folder / kind / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def plugins(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    crop = write_crop(tmp_path_factory.mktemp("crop"), files=lambda: {"least.txt": b"50"}, licence="MIT")
    installed = load_plugins(disable=("mlflow",))
    others = {installed.owner(kind, name).name for kind in (Backbone, Encoder) for name in installed.all(kind)}
    own = crops_plugin(crop, register_backbones=hookimpl(lambda: [tiny]))
    return load_plugins(disable=("mlflow", *others), extra=[own])


@pytest.fixture(scope="module")
def run(scenes: Path, plugins: Any, tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "run"
    config = Config(
        scenes, folder, budget_seconds=None, trials=3, strategy="probe", backbones=("tiny",), crops=("none", "bright")
    )  # fmt: skip
    return fit(config, plugins=plugins, settings=settings)


@pytest.mark.heavy
def test_the_search_keeps_the_crop_where_it_pays(run: Run) -> None:
    result = run.result()
    assert result.champion.backbone == "tiny@bright"
    assert result.over_default.difference.value > 0
    tried = BackbonesTried.from_json(run.state()[KEY]).tried
    assert tried[0].backbone == "tiny@bright"
    assert {one.backbone for one in tried} == {"tiny", "tiny@bright"}


@pytest.mark.heavy
def test_how_many_images_were_used_whole_is_kept_and_told(run: Run) -> None:
    assert run.state()[CROPS_KEY] == {"bright": {"images": 60, "whole": 3}}
    told = "3 of 60 images could not be cropped; they were used whole"
    events = (run.folder / "events.jsonl").read_text(encoding="utf-8")
    assert f"bright: {told}" in events
    assert f"The model looks at what the crop bright finds in each image; {told}." in run.result().in_short
    report = (run.folder / "report.html").read_text(encoding="utf-8")
    assert told in report
    with Image.open(run.folder / "evidence" / "crops.png") as sheet:
        assert sheet.width > sheet.height > 300  # three rows of five images
    assert "What it finds" in report
    assert "In which images nothing was found" in report
    assert "tiny@bright" in report
    assert "bright: MIT" in (run.champion / "model_card.md").read_text(encoding="utf-8")


@pytest.mark.heavy
def test_the_exported_model_crops_by_itself(run: Run) -> None:
    deployable = load_deployable(run.folder)
    assert deployable.metadata["crop"]["name"] == "bright"
    assert replay(deployable) < 1e-4
    test = run.split.test
    said = Predictor(deployable.folder).predict([run.dataset.path(int(item)) for item in test])
    right = [run.dataset.classes[label] for label in run.dataset.labels[test]]
    assert np.mean([one["label"] == label for one, label in zip(said, right, strict=True)]) == pytest.approx(
        run.result().test["accuracy"].value
    )


@pytest.mark.heavy
def test_the_numbers_of_the_run_can_be_recomputed(run: Run) -> None:
    done = subprocess.run([sys.executable, run.folder / "verify.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.heavy
def test_an_explanation_shows_the_part_that_the_model_sees(run: Run, tmp_path: Path) -> None:
    items = Predictor(run.champion).reader.given([run.dataset.path(int(run.split.test[0]))])
    [one] = explain(run.folder, items, out=tmp_path / "maps")
    with Image.open(tmp_path / "maps" / one["overlay"]) as overlay:
        assert overlay.width == overlay.height


def of(context: Any, champion: str, *tried: TriedBackbone) -> Any:
    context.run.update(**{KEY: BackbonesTried(60, 60, 70, tried).to_json(), CROPS_KEY: {}})
    return SimpleNamespace(context=context, result=SimpleNamespace(champion=SimpleNamespace(backbone=champion)))


def test_of_a_crop_that_did_not_help_it_is_said_that_it_took_part(context: Any) -> None:
    whole, part = (TriedBackbone(name, "32x32", "joined", "avg", loss) for name, loss in (("a", 0.3), ("a@eyes", 0.4)))
    said = crops(of(context, "a", whole, part))
    assert said.sentences == ("The model looks at whole images; eyes took part and did not do better.",)
    assert [row[:3] for row in said.parts[0].rows] == [("a", "whole images", 0.3), ("a", "eyes", 0.4)]


def test_without_a_crop_nothing_is_said(context: Any) -> None:
    said = crops(of(context, "a", TriedBackbone("a", "32x32", "joined", "avg", 0.3)))
    assert (said.parts, said.sentences) == ((), ())


def test_an_unknown_crop_is_refused_before_any_work(
    scenes: Path, tmp_path: Path, plugins: Any, settings: Settings
) -> None:
    config = Config(scenes, tmp_path / "run", trials=1, crops=("eyes",))
    with pytest.raises(ConfigError, match="unknown crop 'eyes'"):
        fit(config, plugins=plugins, settings=settings)
    assert not (tmp_path / "run").exists()


def test_weights_that_are_missing_are_said_before_any_work(
    scenes: Path, tmp_path: Path, tiny: Any, settings: Settings
) -> None:
    def missing() -> dict[str, bytes]:
        raise WeightsError("install the package with the eyes")

    crop = write_crop(tmp_path / "crop", name="eyes", files=missing)
    config = Config(scenes, tmp_path / "run", trials=1, crops=("eyes",))
    own = load_plugins(extra=[crops_plugin(crop, register_backbones=hookimpl(lambda: [tiny]))], installed=False)
    with pytest.raises(WeightsError, match="install the package with the eyes"):
        require_networks(config, own, settings)
