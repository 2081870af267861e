from __future__ import annotations

import base64
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from clip_models import CLASSES, changing, write_clip_model
from moving_crops import write_frames, write_gif

from autotl.clips.given_clips import given_clips
from autotl.deploy.batch_prediction import classify
from autotl.deploy.predictor import Predictor


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    return write_clip_model(folder / "model", folder / "clips")


def test_clips_are_given_by_paths_folders_and_bytes(model: Path, tmp_path: Path) -> None:
    lighter = write_gif(tmp_path / "lighter.gif", changing(30, 220))
    darker = write_frames(tmp_path / "darker", changing(220, 30))
    answers = Predictor(model).predict([lighter, str(darker), lighter.read_bytes(), None, tmp_path / "gone.mp4"])
    assert [one.get("label") for one in answers] == ["lighter", "darker", "lighter", None, None]
    assert [one["item"] for one in answers] == [
        str(lighter),
        str(darker),
        "item 2",
        "item 3",
        str(tmp_path / "gone.mp4"),
    ]
    assert [one.get("error") for one in answers[3:]] == ["it is missing", "there is no such file"]


def test_many_clips_are_answered_in_their_order(model: Path, tmp_path: Path) -> None:
    files = [
        write_gif(tmp_path / f"{number}.gif", changing(*((30, 220) if number % 3 else (220, 30))))
        for number in range(11)
    ]
    answers = Predictor(model).predict(files)
    assert [one["label"] for one in answers] == [CLASSES[bool(number % 3)] for number in range(11)]


def test_mlflow_takes_a_column_of_clips(model: Path, tmp_path: Path) -> None:
    content = write_gif(tmp_path / "new.gif", changing(30, 220)).read_bytes()
    loaded = mlflow.pyfunc.load_model(str(model))
    table = pd.DataFrame({"clip": [content, content]})
    assert list(loaded.predict(table)["label"]) == ["lighter", "lighter"]
    example = json.loads((model / "input_example.json").read_text())
    assert example["columns"] == ["clip"]
    assert base64.b64decode(example["data"][0][0]).startswith(b"GIF8")


def test_a_clip_that_may_bring_the_process_down_is_tried_in_another_one(model: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video at all")
    sound = write_gif(tmp_path / "sound.gif", changing(30, 220))
    [[bad, good]] = classify(Predictor(model), given_clips([tmp_path / "bad.mp4", sound]))
    assert bad["error"]
    assert good["label"] == "lighter"


def test_what_is_no_clip_is_an_error_that_names_it() -> None:
    with pytest.raises(TypeError, match=r"items\[1\] is a int; expected the path of a video"):
        given_clips(["a.mp4", 7])
    with pytest.raises(TypeError, match="give its column of clips"):
        given_clips(pd.DataFrame({"clip": []}))
    assert given_clips(["", np.nan])[0].problem == "its path is empty"
