"""Why a model answered as it did: overlays of new images, and of the surest mistakes of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autotl.api.fitted_model import FittedModel
from autotl.cli import app as command_line
from autotl.deploy.explainer import Evidence
from autotl.errors import ConfigError
from autotl.evidence.panels import ShownPanel
from autotl.evidence.run_evidence import read_evidence
from autotl.images.given_images import given_images
from autotl.predictions import Predictions
from autotl.runs.config import Config
from autotl.runs.run import Run
from autotl.search.context import open_context
from autotl.settings import Settings
from autotl.workflows import mistake_maps
from autotl.workflows.explaining import explain
from autotl.workflows.fit import fit
from autotl.workflows.image_explanations import place_of, words_for
from autotl.workflows.subject import Subject


@pytest.fixture(scope="module")
def finished(shapes: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Any, settings: Settings) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "finished"
    config = Config(shapes, folder, budget_seconds=None, trials=1, strategy="probe", heads=("logistic",))
    return fit(config, plugins=plugins, settings=settings)


@pytest.fixture
def images(finished: Run) -> list[str]:
    return [str(finished.dataset.path(int(item))) for item in finished.split.test[:3]]


def test_each_image_gets_an_overlay_and_a_sentence(finished: Run, images: list[str], tmp_path: Path) -> None:
    out = tmp_path / "why"
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    found = FittedModel(finished).explain([*images, broken], out=out)
    assert json.loads((out / "explanations.json").read_text(encoding="utf-8")) == found
    for one, path in zip(found, images, strict=False):
        assert one["item"] == path
        assert one["method"] == "exact"
        assert f"{one['label']} rather than {one['runner_up']}" in one["said"]
        with Image.open(out / one["overlay"]) as drawn:
            assert max(drawn.size) == 320
    assert set(found[-1]) == {"item", "error"}
    assert len(list(out.glob("*.png"))) == len(images)
    assert "overlay" not in FittedModel(finished).explain(images[0])[0]


def test_what_cannot_be_done_is_said_before_anything_is_written(
    finished: Run, images: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="none of 1 images could be read"):
        explain(finished.champion, given_images(["nowhere.png"]), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not an empty folder"):
        explain(finished.champion, given_images(images), tmp_path)
    with pytest.raises(ConfigError, match="nothing to explain"):
        explain(finished.champion, [], tmp_path / "out")


def test_the_command_prints_one_document_and_exits_with_2_where_nothing_could_be_read(
    finished: Run, images: list[str], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def run(*arguments: str) -> None:
        monkeypatch.setattr("sys.argv", ["autotl", "explain", str(finished.folder), *arguments])
        command_line.app(standalone_mode=False)

    run(*images, "--out", str(tmp_path / "why"), "--json")
    printed = json.loads(capsysbinary.readouterr().out)
    assert printed == json.loads((tmp_path / "why" / "explanations.json").read_text(encoding="utf-8"))
    with pytest.raises(ConfigError):
        run("nowhere.png", "--out", str(tmp_path / "other"))
    with pytest.raises(ConfigError, match="--out"):
        run(*images)


def test_the_surest_mistakes_of_a_run_are_explained_with_their_nearest_training_images(
    finished: Run, plugins: Any, settings: Settings
) -> None:
    context = open_context(finished, plugins, settings=settings, seconds_left=lambda: 1e9)
    evidence = read_evidence(finished.folder)
    assert evidence
    tested = evidence.tested
    # Two mistakes are made up, one surer than the other: this model makes none.
    wrong = np.array(tested.probabilities)
    for row, confidence in ((0, 0.7), (1, 0.9)):
        wrong[row] = (1 - confidence) / 2
        wrong[row, (tested.labels[row] + 1) % 3] = confidence
    mistaken = Predictions(tested.items, tested.labels, wrong)
    rows = mistake_maps.surest_mistakes(mistaken)
    assert rows[0] == 1
    trial = next(trial for trial in _trials(finished) if trial.number == finished.result().champion.trial)
    for name, size in ((trial.reading.backbone, trial.reading.size),):
        context.reader.features(context.candidate(trial).backbone, size)
        assert context.reader.has_features(name, size)
    said = mistake_maps.maps_of_mistakes(Subject(context, _Champion(trial), tested, mistaken, finished.result()))
    [table] = said.parts
    assert len(table.rows) == len(rows)
    folder = finished.folder / "evidence" / "maps"
    document = json.loads((folder / "maps.json").read_text(encoding="utf-8"))
    assert [entry["item"] for entry in document] == mistaken.items[rows].tolist()
    labels = dict(zip(finished.dataset.items["path"], finished.dataset.items["label"], strict=True))
    for entry, row in zip(document, rows, strict=True):
        assert (folder / f"{entry['item']}.png").exists()
        classes = finished.dataset.classes
        assert {labels[path] for path in entry["against"]} == {classes[mistaken.labels[row]]}
        assert {labels[path] for path in entry["for"]} == {classes[wrong[row].argmax()]}
        assert entry["path"] not in (*entry["for"], *entry["against"])


def test_a_finished_run_has_the_panel(finished: Run) -> None:
    evidence = read_evidence(finished.folder)
    assert evidence
    shown: list[ShownPanel] = [panel for panel in evidence.panels if panel.panel == mistake_maps.PIECE]
    assert not any(panel.problem for panel in shown)


@pytest.mark.parametrize(
    ("cell", "place"),
    [
        ((0, 0), "in the upper left"),
        ((4, 4), "in the middle"),
        ((4, 8), "in the middle right"),
        ((8, 4), "in the lower middle"),
    ],
)
def test_the_place_of_the_evidence_in_words(cell: tuple[int, int], place: str) -> None:
    found = np.full((9, 9), -1.0)
    found[cell] = 0.5
    assert place_of(found) == place
    assert place_of(np.zeros((9, 9))) == "nowhere"


def test_evidence_that_is_nowhere_is_not_strongest_there() -> None:
    nothing = Evidence(0, 1, 0.5, np.zeros((4, 4)), "occlusion")
    assert "no part of the image speaks for cat" in words_for(nothing, ("cat", "dog"))["said"]


class _Champion:
    def __init__(self, trial: Any) -> None:
        self.trial = trial


def _trials(run: Run) -> Any:
    from autotl.search.optuna_study import read_records

    return read_records(run)
