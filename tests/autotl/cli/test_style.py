"""The command `style`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from loose_plugins import tiny_backbone
from PIL import Image
from typer.testing import CliRunner, Result

from autotl.cli.app import app
from autotl.errors import ConfigError
from autotl.runs.event_log import read_events
from autotl.runs.events import Progress
from autotl.workflows import style as workflow

SMALL = ("--backbone", "tiny", "--size", "48", "--steps", "4")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two images, and a plugin with a small backbone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOTL_PLUGINS", str(Path(tiny_backbone.__file__).parent))
    Image.linear_gradient("L").save("ramp.png")
    Image.radial_gradient("L").resize((96, 64)).save("rings.jpg")
    return tmp_path


def style(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["style", *arguments])


def test_one_document_says_what_was_made(place: Path) -> None:
    done = style("ramp.png", "rings.jpg", "--out", "new.webp", *SMALL, "--json", "--events", "events.jsonl")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["out"], said["size"], said["status"]) == ("new.webp", [48, 48], "complete")
    assert (said["backbone"], said["content_stage"]) == ("tiny", "middle")
    assert said["style_stages"] == {"shallow": 1.0, "middle": 1.0, "deep": 1.0}
    assert said["style_reduction"] == pytest.approx(1 - said["style_loss"] / said["style_loss_before"])
    assert -1 <= said["content_correlation"] <= 1
    with Image.open(place / "new.webp") as image:
        assert (image.format, image.size) == ("WEBP", (48, 48))
    last = read_events(place / "events.jsonl")[-1]
    assert isinstance(last, Progress)
    assert (last.stage, last.done, last.total) == ("style", 4, 4)


def test_people_get_two_lines(place: Path) -> None:
    stages = ("--style-stages", "shallow,middle:0.5", "--content-stage", "middle")
    done = style("ramp.png", "rings.jpg", "--out", "new.jpg", *SMALL, *stages)
    assert done.exit_code == 0, done.output
    assert "Content of middle, style of shallow, middle of tiny: style loss " in done.stdout
    assert "Image       new.jpg (48x48, 4 steps, " in done.stdout


def test_a_grid_names_each_stage(place: Path) -> None:
    done = style("ramp.png", "rings.jpg", "--out", "new.png", *SMALL, "--grid")
    assert done.exit_code == 0, done.output
    for stage in ("shallow", "middle", "deep"):
        assert f"{stage}: style loss " in done.stdout
    assert "Sheet       new.png (" in done.stdout
    assert (place / "new.png").exists()


def test_without_a_file_to_write_it_asks_for_one() -> None:
    done = style("ramp.png", "rings.jpg")
    assert isinstance(done.exception, ConfigError)
    assert "--out FILE" in str(done.exception)


def test_an_interruption_before_the_first_step_says_that_there_is_no_image(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "transfer_style", interrupted)
    done = style("ramp.png", "rings.jpg", "--out", "new.png", *SMALL)
    assert done.exit_code == 130
    assert "Interrupted before there was an image." in done.stderr
    assert not (place / "new.png").exists()


@pytest.mark.heavy
def test_an_interruption_ends_with_130_and_the_best_image_saved(place: Path) -> None:
    command = [sys.executable, "-m", "autotl.cli", "style", "ramp.png", "rings.jpg", "--out", "new.png", "--json"]
    options = ["--backbone", "tiny", "--steps", "5000", "--events", "events.jsonl"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 100
    while not any(isinstance(event, Progress) and event.done for event in read_events(place / "events.jsonl")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    said = json.loads(out)
    assert said["status"] == "interrupted"
    assert 0 < said["steps"] < 5000
    assert "The best image so far is saved" in err
    with Image.open(place / "new.png") as image:
        assert image.size == (256, 256)
