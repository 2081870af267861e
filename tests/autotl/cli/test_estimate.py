"""`autotl estimate` at the terminal: a warning without labels, a sheet out, and shares with intervals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import made_runs
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import autotl
from autotl.cli.app import app
from autotl.errors import ConfigError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made_runs.write_finished(tmp_path / "run")
    (tmp_path / "new").mkdir()
    for number in range(40):
        value = 30 + number % 5 if number % 2 else 220 + number % 5
        Image.fromarray(np.full((8 + number, 8, 3), value, np.uint8)).save(tmp_path / "new" / f"{number:02d}.png")
    return tmp_path


def ask(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["estimate", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def fill_in(sheet: Path) -> None:
    with sheet.open() as file:
        rows = list(csv.DictReader(file))
    with sheet.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item", "coder", "label"])
        for row in rows:
            odd = int(Path(row["item"]).stem) % 2
            writer.writerow([row["item"], "Ann", made_runs.CLASSES[0 if odd else 2]])


def test_from_no_labels_to_shares(place: Path) -> None:
    said = ask("run", "new")
    assert "needs labels" in said
    assert "Do not report these as shares" in said
    assert "20 of 40 images are in sheet.csv" in ask("run", "new", "--sample", 20, "--out", "sheet.csv")
    fill_in(Path("sheet.csv"))
    said = ask("run", "new", "--codings", "sheet.csv")
    assert "Shares among 40 images, corrected by 20 labels" in said
    document = json.loads(ask("run", "new", "--codings", "sheet.csv", "--json"))
    assert {"shares", "by", "method", "n_items", "n_labelled", "cross_check", "uses", "plan", "sentences"} <= set(
        document
    )
    assert set(document["shares"]) == set(made_runs.CLASSES)
    assert all(set(one) == {"value", "low", "high", "naive"} for one in document["shares"].values())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"sample": 5}, "--sample needs --out SHEET.csv"),
        ({"out": "s.csv"}, "--out needs --sample N"),
        ({"sample": 5, "out": "s.csv", "codings": "c.csv"}, "one of them at a time"),
        ({"sample": 5, "out": "s.csv", "by": "place"}, "leave out --by, --groups and --attributes"),
        ({"sample": 5, "out": "s.csv", "groups": "person"}, "leave out --by, --groups and --attributes"),
        ({"sample": 5, "out": "s.csv", "attributes": "a.csv"}, "leave out --by, --groups and --attributes"),
    ],
)
def test_a_call_with_two_purposes_or_half_of_one_is_refused(
    place: Path, asked: dict[str, object], message: str
) -> None:
    options = [text for name, value in asked.items() for text in (f"--{name}", str(value))]
    done = CliRunner().invoke(app, ["estimate", "run", "new", *options])
    assert isinstance(done.exception, ConfigError)
    assert message in str(done.exception)
    with pytest.raises(ConfigError) as python:
        autotl.load("run").estimate("new", **asked)
    assert str(python.value) == str(done.exception)
    assert not Path("s.csv").exists()


@pytest.mark.parametrize(
    ("plan", "message"), [("0", "--plan is 0"), ("1e-9", "--plan is 1e-09; expected points from 0.1 to 50")]
)
def test_a_width_that_cannot_be_planned_for_is_refused(place: Path, plan: str, message: str) -> None:
    done = CliRunner().invoke(app, ["estimate", "run", "new", "--plan", plan])
    assert isinstance(done.exception, ConfigError)
    assert message in str(done.exception)


def test_python_does_the_same(place: Path) -> None:
    model = autotl.load("run")
    drawn = model.estimate("new", sample=20, out="sheet.csv", progress=False)
    fill_in(drawn.sheet)
    found = model.estimate("new", codings="sheet.csv", progress=False)
    assert found.to_json() == json.loads(ask("run", "new", "--codings", "sheet.csv", "--json"))
    with pytest.raises(ConfigError, match="within_points is 0"):
        model.estimate("new", within_points=0)
    with pytest.raises(ConfigError, match="--sample is 0; expected at least 1"):
        model.estimate("new", sample=0, out="other.csv")
