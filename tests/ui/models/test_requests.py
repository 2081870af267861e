"""The request that an MLflow server takes for an item."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path

from clip_models import changing
from label_data import write_image
from moving_crops import write_gif

from autotl_ui.models.requests import body_for, curl


def test_a_text_goes_as_it_is_and_an_image_as_base64(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text('It\'s "good"', encoding="utf-8")
    assert json.loads(body_for(tmp_path / "a.txt"))["dataframe_split"] == {
        "columns": ["text"],
        "data": [['It\'s "good"']],
    }
    write_image(tmp_path / "a.png", shade=9)
    [[cell]] = json.loads(body_for(tmp_path / "a.png"))["dataframe_split"]["data"]
    assert base64.b64decode(cell) == (tmp_path / "a.png").read_bytes()


def test_the_command_of_a_text_holds_it_whatever_quotes_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text('It\'s "good"; $HOME', encoding="utf-8")
    words = shlex.split(curl(str(tmp_path / "a.txt"), 5055).replace("\\\n", " "))
    assert json.loads(words[words.index("--data") + 1])["dataframe_split"]["data"] == [['It\'s "good"; $HOME']]


def test_a_gif_that_came_with_a_model_of_clips_goes_as_a_clip(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"modality": "clip"}', encoding="utf-8")
    clip = write_gif(tmp_path / "replay" / "a.gif", changing(0, 200))
    assert json.loads(body_for(clip))["dataframe_split"]["columns"] == ["clip"]
    assert '"columns": ["clip"]' in curl(str(clip), 5055)
