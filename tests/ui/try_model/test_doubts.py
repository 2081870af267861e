"""The Try page's switch: a label, "I don't know", or "none of these"."""

from __future__ import annotations

import io
import json
from pathlib import Path

import made_runs
import numpy as np
import onnx
import pytest
from app_pages import open_page, words
from PIL import Image

from autotl.deploy.doubts import add_set, add_unsure
from autotl_ui.try_model.doubts import doubting_lines, label_line
from autotl_ui.try_model.item_prediction import ItemPrediction

SHARES = {"cat": 0.7, "dog": 0.3}


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        (ItemPrediction("cat", SHARES, classes=("cat",), unsure=False, p_value=0.4), ["**cat** 70.0 %"]),
        (
            ItemPrediction("cat", SHARES, classes=("cat", "dog"), unsure=True, p_value=0.4),
            ["**I don't know**", "The most probable class is **cat** 70.0 %.", "It may be **cat** or **dog**."],
        ),
        (
            ItemPrediction("cat", SHARES, classes=(), unsure=True, p_value=0.004),
            [
                "**None of these**: it is unlike all that the model knows (p = 0.004)",
                "The nearest class is **cat** 70.0 %.", "No class fits well.",
            ],
        ),
        (ItemPrediction("cat", SHARES), ["**cat** 70.0 %"]),
    ],
)  # fmt: skip
def test_an_answer_is_a_label_or_that_the_model_does_not_know(said: ItemPrediction, lines: list[str]) -> None:
    assert doubting_lines(said) == lines


def test_without_the_switch_a_label_is_always_named() -> None:
    said = ItemPrediction("cat", SHARES, classes=(), unsure=True, p_value=0.004)
    assert label_line(said, 0.5) == "**cat** 70.0 %"
    assert label_line(said, 0.8).startswith("**cat** 70.0 %, **unsure**")


def grey(shade: int) -> bytes:
    image = io.BytesIO()
    Image.new("RGB", (30, 20), (shade, shade, shade)).save(image, "PNG")
    return image.getvalue()


def test_the_switch_is_there_where_the_model_offers_it_and_turns_it_off(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    app = open_page("try", run="good")
    assert not [toggle for toggle in app.toggle if toggle.key == "doubts"]
    file = runs / "good" / "champion" / "model.onnx"
    n_classes = len(json.loads((file.parent / "metadata.json").read_text())["classes"])
    model = add_unsure(onnx.load(file), 0.9, n_classes)
    model = add_set(model, np.ones(n_classes), penalty=None, free_ranks=0)
    file.write_bytes(model.SerializeToString())
    app = open_page("try", run="good")
    app.file_uploader(key="images").set_value([("grey.png", grey(128), "image/png")]).run()
    assert "**I don't know**" in words(app)
    assert "It may be **" in words(app)
    app.toggle(key="doubts").set_value(False).run()
    assert not app.exception
    assert "I don't know" not in words(app)
    assert "33.3 %" in words(app)
