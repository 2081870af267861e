"""Pairs on the Try page: an image together with a text, with the words that speak for the answer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import made_runs
import pytest
from app_pages import open_page, words
from pair_models import photo, write_pair_model

from autotl.deploy.predictor import Predictor

TEXT = "the film was good"


@pytest.fixture
def champion(runs: Path) -> Path:
    """The model of a finished run, which takes pairs."""
    made_runs.write_finished(runs / "good")
    state = json.loads((runs / "good" / "run.json").read_text(encoding="utf-8"))
    (runs / "good" / "run.json").write_text(json.dumps({**state, "modality": "pair"}), encoding="utf-8")
    shutil.rmtree(runs / "good" / "champion")
    return write_pair_model(runs / "good" / "champion")


def test_an_image_and_its_text_are_classified_together(champion: Path) -> None:
    app = open_page("try", run="good")
    app.button(key="classify-pair").click().run()
    assert "Add an image and a text." in words(app)
    app.file_uploader(key="pair-image").set_value([("red.png", photo(200), "image/png")])
    app.button(key="classify-pair").click().run()
    assert "Add the text, too." in words(app)
    app.text_area(key="pair-text").set_value(TEXT)
    app.button(key="classify-pair").click().run()
    assert not app.exception
    [expected] = Predictor(champion).predict((photo(200), TEXT))
    share = 100 * expected["probabilities"][expected["label"]]
    assert f"**{expected['label']}** {share:.1f} %" in words(app)
    [toggle] = [one for one in app.toggle if one.label == "Which words speak for it?"]
    toggle.set_value(True).run()
    assert not app.exception
    assert "Each word was left out once" in words(app)


@pytest.mark.usefixtures("champion")
def test_what_is_no_image_is_said() -> None:
    app = open_page("try", run="good")
    app.file_uploader(key="pair-image").set_value([("red.png", b"no image", "image/png")])
    app.text_area(key="pair-text").set_value(TEXT)
    app.button(key="classify-pair").click().run()
    assert not app.exception
    assert "red.png cannot be read as a pair: its image: it is not" in words(app)
