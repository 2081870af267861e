"""`autotl validate` at the terminal: a sheet out, codings in, and a refusal that says why."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import made_runs
import pytest
from typer.testing import CliRunner

import autotl
from autotl.cli.app import app
from autotl.errors import ConfigError, DatasetError
from autotl.runs.validation import read_codings, validation_folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made_runs.write_finished(tmp_path / "run")
    return tmp_path / "run"


def ask(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["validate", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def code(sheet: Path, coder: str, *, errs: bool = False) -> Path:
    """A coder's copy of the sheet, filled in by the folders; who errs says one class for another."""
    with sheet.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        label = Path(row["item"]).parent.name
        row["coder"], row["label"] = coder, made_runs.CLASSES[0] if errs else label
    path = sheet.with_name(f"{coder}.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["item", "coder", "label"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_from_the_sample_to_who_errs(run: Path) -> None:
    said = ask(run, "--sample", 60, "--out", "sheet.csv")
    for text in (
        "Drawn: 60 images",
        "test split, 18 images",
        "Expected before labelling: 60 coded images",
        "not blind",
    ):
        assert text in said
    for name in ("Ann", "Bo"):
        ask(run, "--codings", code(Path("sheet.csv"), name))
    said = ask(run, "--codings", code(Path("sheet.csv"), "Cem", errs=True))
    assert "Imported: 60 new codings" in said
    assert "Cem disagrees with the others far more" in said
    assert "Krippendorff's alpha" in said
    assert "model as good?" in said
    document = json.loads(ask(run, "--json"))
    assert [one["coder"] for one in document["deviating"]] == ["Cem"]
    assert document["sample"] == {"drawn": 60, "population": 90}


def test_json_of_a_draw_holds_items_and_plan(run: Path) -> None:
    document = json.loads(ask(run, "--sample", 5, "--out", "sheet.csv", "--design", "score", "--json"))
    assert len(document["items"]) == document["n_drawn"] == document["plan"]["n_images"] == 5
    assert "5 images" in ask(run, "--out", "again.csv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sample", 5), "give --out"),
        (("--sample", 5, "--out", "a.csv", "--codings", "b.csv"), "one of them at a time"),
        (("--by", "class"), "give --sample N with it"),
        (("--codings", "b.csv", "--out", "a.csv"), "--codings writes none"),
        (("--sample", 5, "--out", "a.csv", "--design", "best"), "expected one of random, score, group"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_any_work(
    run: Path, arguments: tuple[object, ...], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        CliRunner().invoke(app, ["validate", str(run), *map(str, arguments)], catch_exceptions=False)
    assert not list(Path.cwd().glob("*.csv"))


def test_a_wrong_sheet_is_refused_by_its_line(run: Path) -> None:
    Path("mine.csv").write_text("item,coder,label\nnone.png,Ann,dog\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"line 2: .none\.png. is not an item of the run"):
        CliRunner().invoke(app, ["validate", str(run), "--codings", "mine.csv"], catch_exceptions=False)
    assert not read_codings(validation_folder(run))


def test_the_python_api_says_the_same(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = autotl.load(run)
    sample = model.validate(sample=30, out="sheet.csv")
    assert len(sample.items) == 30
    found = model.validate(code(Path("sheet.csv"), "Ann"))
    assert found.coded == {"Ann": 30}
    assert model.validate().coded == {"Ann": 30}
    for wrong in ({"out": "b.csv"}, {"sample": 5}, {"sample": 5, "out": "b.csv", "codings": "c.csv"}):
        with pytest.raises(ConfigError):
            model.validate(**wrong)
