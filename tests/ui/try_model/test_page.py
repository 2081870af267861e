"""The Try page: single images, the camera only on demand, whole folders, in any state of the workspace."""

from __future__ import annotations

import io
import json
from pathlib import Path

import made_runs
import psutil
import pytest
from app_pages import open_page, words
from label_data import write_pets
from PIL import Image

from autotl.deploy.similar_images import Neighbour
from autotl.runs.events import Progress
from autotl_ui.jobs import jobs
from autotl_ui.try_model import image_prediction, similar_images
from autotl_ui.workspace.workspace import Workspace

HEIC = Path(__file__).parents[2] / "data" / "tiny.heic"


def png(shade: int) -> bytes:
    image = io.BytesIO()
    Image.new("RGB", (30, 20), (shade, shade, shade)).save(image, "PNG")
    return image.getvalue()


def test_the_camera_is_drawn_only_on_demand(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    app = open_page("try", run="good")
    assert not app.get("camera_input")
    app.toggle(key="camera").set_value(True).run()
    assert not app.exception
    assert app.get("camera_input")


def test_heic_is_tried_in_a_child_process(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pi_heif")
    made_runs.write_finished(runs / "good")
    app = open_page("try", run="good")
    app.file_uploader(key="images").set_value([("a.heic", HEIC.read_bytes(), "image/heic")]).run()
    assert not app.exception and not app.warning
    monkeypatch.setattr(
        image_prediction, "decode_risk", lambda content: "it brings its decoder down" if content else ""
    )
    app.file_uploader(key="images").set_value([("b.heic", HEIC.read_bytes() + b"\0", "image/heic")]).run()
    assert "b.heic cannot be read as an image: it brings its decoder down" in words(app)


def test_the_most_similar_training_images_are_shown_where_there_is_an_index(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_runs.write_finished(runs / "good")
    (runs / "good" / "evidence").mkdir(exist_ok=True)
    (runs / "good" / "evidence" / "neighbours.npz").touch()
    like = Neighbour("cat/1.png", "/data/cat/1.png", "*cat*", 0.876)
    monkeypatch.setattr(similar_images, "nearest", lambda folder, images, k: [[like]])
    monkeypatch.setattr(similar_images, "has_index", lambda folder: True)
    app = open_page("try", run="good")
    app.file_uploader(key="images").set_value([("a.png", png(7), "image/png")]).run()
    assert not app.exception
    [component] = app.get("bidi_component")
    [shown] = json.loads(component.proto.json)["items"]
    assert (shown["name"], shown["caption"], shown["detail"]) == ("cat/1.png", "*cat*", "similarity 0.88")


@pytest.mark.parametrize(("similarity", "known"), [(0.997, True), (0.99, False)])
def test_a_training_image_is_called_one(
    similarity: float, known: bool, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_runs.write_finished(runs / "good")
    (runs / "good" / "evidence" / "neighbours.npz").touch()
    like = Neighbour("cat/1.png", "/data/cat/1.png", "cat", similarity)
    monkeypatch.setattr(similar_images, "nearest", lambda folder, images, k: [[like]])
    app = open_page("try", run="good")
    app.file_uploader(key="images").set_value([("a.png", png(11), "image/png")]).run()
    assert "A similarity of 1 means that the network cannot tell them apart." in words(app)
    assert ("This is a training image" in words(app)) == known


def test_a_prediction_that_is_hardly_more_probable_than_others_is_called_unsure(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    app = open_page("try", run="good")
    app.file_uploader(key="images").set_value([("black.png", png(0), "image/png")]).run()
    assert "**unsure**" not in words(app)
    app.file_uploader(key="images").set_value([("grey.png", png(128), "image/png")]).run()
    assert "33.3 %, **unsure**: it may be another class" in words(app)
    metadata = json.loads((runs / "good" / "champion" / "metadata.json").read_text(encoding="utf-8"))
    (runs / "good" / "champion" / "metadata.json").write_text(json.dumps({**metadata, "unsure_below": 0.3}))
    assert "**unsure**" not in words(app.run())


def test_without_an_index_one_is_offered_and_made_by_a_job(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_runs.write_finished(runs / "good")
    commands: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **_: commands.append([target.name, *arguments]))
    app = open_page("try", run="good")
    app.file_uploader(key="images").set_value([("a.png", png(9), "image/png")]).run()
    app.button(key="compare").click().run()
    assert not app.exception
    assert commands == [["neighbours.npz", "index", str(runs / "good")]]


def test_a_data_set_or_a_folder_is_classified_by_a_job(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_runs.write_finished(runs / "good")
    pets = write_pets(Workspace(runs.parent))
    commands: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda target, arguments, **_: commands.append([target.name, *arguments]))
    app = open_page("try", run="good")
    app.button(key="classify").click().run()
    app.selectbox(key="batch-data").set_value("elsewhere").run()
    app.button(key="classify").click().run()
    assert "Enter the path of a folder first" in words(app)
    for nowhere in ("/no/such/folder", "~nobody-here/x", "x" * 5000):
        app.text_input(key="batch-path").set_value(nowhere).run()
        app.button(key="classify").click().run()
        assert "There is nothing at" in words(app)
    app.text_input(key="batch-path").set_value(str(pets.path / "cat")).run()
    app.button(key="classify").click().run()
    assert not app.exception
    assert [command[:5] for command in commands] == [
        ["pets-by-good.csv", "predict", str(runs / "good"), str(pets.path), "--csv"],
        ["cat-by-good.csv", "predict", str(runs / "good"), str(pets.path / "cat"), "--csv"],
    ]


def test_a_table_being_written_shows_how_far_it_is_and_can_be_stopped(runs: Path, sleeper: psutil.Process) -> None:
    made_runs.write_finished(runs / "good")
    file = runs.parent / "autotl-predictions" / "pets-by-good.csv"
    made_runs.write_job(file, pid=sleeper.pid, created=sleeper.create_time())
    line = json.dumps(Progress("predict", 256, 1280, 128.0, 8.0).to_json())
    file.with_name(f"{file.name}.events.jsonl").write_text(f"{line}\n", encoding="utf-8")
    app = open_page("try", run="good")
    assert app.get("progress")[0].proto.text == "256 of 1,280 images, 128 per second, about 8 s left"
    app.button(key="stop-batch").click().run()
    assert not app.exception
    sleeper.wait(timeout=10)
    file.write_text("item,label,a,b,error\n/d/x.png,a,0.9,0.1,\n", encoding="utf-8")
    app.run()
    assert not app.exception
    assert "The job was stopped after 1 image." in words(app)
    assert app.get("download_button")
    columns = "**item** (the full path of the image), **label**, one for each of the 2 classes (its probability)"
    assert f"The columns of the file are {columns} and **error** (why a file could not be read)." in words(app)


def test_the_model_says_what_its_metadata_hold(runs: Path) -> None:
    made_runs.write_finished(runs / "good")
    metadata = json.loads((runs / "good" / "champion" / "metadata.json").read_text(encoding="utf-8"))
    (runs / "good" / "champion" / "metadata.json").write_text(json.dumps({**metadata, "unsure_below": 0.625}))
    (runs / "good" / "champion" / "model_card.md").write_text("# Tells *cats* apart", encoding="utf-8")
    text = words(open_page("try", run="good"))
    assert "| unsure below | 0.625 |" in text
    assert "#### Tells *cats* apart" in text
