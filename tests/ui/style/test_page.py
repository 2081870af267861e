"""The Style page: what it asks for, and what it shows of a transfer."""

from __future__ import annotations

import json
from pathlib import Path

import made_runs
import psutil
import pytest
from app_pages import open_page, words
from PIL import Image

from autotl.runs.events import Progress
from autotl_ui.jobs import jobs

NUMBERS = {
    "status": "complete", "backbone": "efficientnet-lite0", "style_reduction": 0.975, "content_correlation": 0.71,
    "steps": 300, "seconds": 41.0,
}  # fmt: skip


@pytest.fixture
def file(runs: Path) -> Path:
    """An image whose job has ended."""
    file = runs.parent / "autotl-styles" / "cat-in-the-style-of-sky.png"
    made_runs.write_job(file, pid=2**22 + 1, created=0.0)
    Image.new("RGB", (8, 8), "red").save(file)
    return file


def test_without_images_a_click_says_which_is_missing(runs: Path) -> None:
    app = open_page("style")
    app.button(key="style-start").click().run()
    assert not app.exception
    assert "Give an image for the content and style first" in words(app)
    assert not (runs.parent / "autotl-styles").exists()


def test_a_finished_image_is_shown_with_its_numbers_and_can_be_taken_away(file: Path) -> None:
    file.with_name(f"{file.name}.json").write_text(json.dumps(NUMBERS))
    app = open_page("style")
    assert "the style loss is 97.5 % lower" in words(app)
    assert "the correlation with its content is 0.71. 300 steps in 41 s" in words(app)
    assert len(app.image) == 1
    assert len(app.get("download_button")) == 1


def test_the_stages_can_be_chosen_once_they_were_compared(file: Path) -> None:
    assert open_page("style").multiselect[0].disabled
    looks = [{"stage": "stage1"}, {"stage": "stage2"}]
    numbers = {"status": "complete", "backbone": "efficientnet-lite0", "content_stage": "stage1", "stages": looks}
    file.with_name(f"{file.name}.json").write_text(json.dumps(numbers))
    app = open_page("style")
    assert "shallow to deep: the style of each stage alone" in words(app)
    assert app.multiselect[0].options == ["stage1", "stage2"]


def test_a_transfer_at_work_shows_its_step_and_the_time_left_and_stops_on_demand(
    file: Path, sleeper: psutil.Process
) -> None:
    made_runs.write_job(file, pid=sleeper.pid, created=sleeper.create_time())
    jobs.events_file(file).write_text(json.dumps(Progress("style", 100, 300, 5.0, 40.0).to_json()) + "\n")
    app = open_page("style")
    assert app.get("progress")[0].proto.text == "Step 100 of 300, about 40 s left"
    [image] = [one for one in app.get("html") if "data:image/png;base64," in one.proto.body]
    assert 'alt="' in image.proto.body
    app.button(key="stop-style").click().run()
    assert not app.exception
    sleeper.wait(timeout=10)
    assert "It was stopped before its last step" in words(open_page("style"))


def test_a_failed_transfer_says_why(file: Path) -> None:
    file.unlink()
    jobs.log_file(file).write_text("Error: the memory is *used* up\n")
    app = open_page("style")
    assert app.error[0].value == "the memory is \\*used\\* up"
    assert "There is no image" in words(app)
