"""Clips on the Try page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import made_runs
import pytest
from app_pages import open_page, words
from clip_models import changing, write_clip_model
from moving_crops import write_gif

from autotl.deploy.predictor import Predictor


@pytest.fixture
def champion(runs: Path, tmp_path: Path) -> Path:
    """The model of a finished run, which takes clips."""
    made_runs.write_finished(runs / "good")
    state = json.loads((runs / "good" / "run.json").read_text(encoding="utf-8"))
    (runs / "good" / "run.json").write_text(json.dumps({**state, "modality": "clip"}), encoding="utf-8")
    shutil.rmtree(runs / "good" / "champion")
    return write_clip_model(runs / "good" / "champion", tmp_path / "clips")


def test_clips_are_classified_and_shown_by_some_of_their_frames(champion: Path, tmp_path: Path) -> None:
    content = write_gif(tmp_path / "new.gif", changing(30, 220)).read_bytes()
    app = open_page("try", run="good")
    assert "Drop a few clips here" in words(app)
    app.file_uploader(key="clips").set_value([
        ("new.gif", content, "image/gif"), ("bad.mp4", b"no video", "video/mp4")
    ]).run()  # fmt: skip
    assert not app.exception
    [expected] = Predictor(champion).predict([content])
    assert expected["label"] == "lighter"
    assert f"**lighter** {100 * expected['probabilities']['lighter']:.1f} %" in words(app)
    assert "bad.mp4 cannot be read as a clip:" in words(app)
    assert "the first of the frames that are read, two between, and the last" in words(app)
