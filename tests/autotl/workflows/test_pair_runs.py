"""A study of pairs from end to end: each part alone on the leaderboard, what each brings, and a model of both."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pairs_on_disk import write_listing
from small_pair_plugins import small_pair_plugins

from autotl.api.fitted_model import FittedModel
from autotl.data.coding_sheet import SheetRow
from autotl.deploy.deployable import TOLERANCE, load_deployable, replay
from autotl.evidence.run_evidence import read_evidence
from autotl.plugins import Plugins
from autotl.reports.mistakes import cells, surest_mistakes
from autotl.runs.config import Config
from autotl.runs.run import Run
from autotl.runs.validation import read_codings, validation_folder
from autotl.search.optuna_study import read_records
from autotl.settings import Settings
from autotl.workflows.fit import fit, refit
from autotl.workflows.human_validation import validate
from autotl.workflows.people_sample import draw_sample
from autotl.workflows.share_estimate import draw_to_label

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return small_pair_plugins()


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_listing(tmp_path_factory.mktemp("pairs") / "data")


@pytest.fixture(scope="module")
def run(listing: Path, tmp_path_factory: pytest.TempPathFactory, plugins: Plugins, settings: Settings) -> Run:
    config = Config(
        listing, tmp_path_factory.mktemp("runs") / "both", text="description", trials=4, budget_seconds=None,
        strategy="probe", heads=("logistic",), backbones=("small", "small-words", "tfidf"),
    )  # fmt: skip
    return fit(config, plugins=plugins, settings=settings)


def test_each_part_stands_on_the_leaderboard_alone_beside_both_together(run: Run) -> None:
    read = {trial.reading.backbone for trial in read_records(run) if trial.reading and trial.state == "complete"}
    assert {"small+small-words", "small", "small-words", "tfidf"} <= read


def test_what_each_part_brings_is_measured_on_the_same_items_and_said(run: Run) -> None:
    result = run.result()
    assert result
    assert result.part_gains
    whole, image, text = result.part_gains.scores
    assert (whole.kind, image.kind, text.kind) == ("pair", "image", "text")
    for part in (image, text):
        assert part.gain
        assert part.gain.value == pytest.approx(whole.score.value - part.score.value)
        assert part.gain.low < part.gain.value < part.gain.high
    assert any(sentence.startswith("image and text together reach") for sentence in result.in_short)
    assert "What does each part bring?" in (run.folder / "report.html").read_text(encoding="utf-8")


def test_a_refit_compares_no_parts(run: Run, tmp_path: Path, plugins: Plugins, settings: Settings) -> None:
    again = refit(run.folder, tmp_path / "again", plugins=plugins, settings=settings)
    result = again.result()
    assert result
    assert (result.champion.backbone, result.part_gains) == (run.result().champion.backbone, None)  # type: ignore[union-attr]
    assert "What does each part bring?" not in (again.folder / "report.html").read_text(encoding="utf-8")


def test_verify_py_recomputes_what_each_part_brings(run: Run) -> None:
    found = subprocess.run(
        [sys.executable, run.folder / "verify.py", "--json"], capture_output=True, text=True, check=False
    )
    document = json.loads(found.stdout)
    assert (document["equal"], document["differs"]) == (True, [])
    omitted = [place for one in document["not_recomputed"] for place in one["first"] if "part" in place]
    assert all(place.endswith("trial") for place in omitted)
    state = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    state["result"]["part_gains"]["scores"][1]["gain"]["value"] += 0.1
    changed = run.folder.with_name("changed")
    shutil.copytree(run.folder, changed)
    (changed / "run.json").write_text(json.dumps(state), encoding="utf-8")
    again = subprocess.run([sys.executable, changed / "verify.py"], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "/part_gains/scores/1/gain" in again.stdout


def test_the_champion_of_pairs_answers_as_it_was_tested(run: Run, listing: Path) -> None:
    deployable = load_deployable(run.folder)
    assert deployable.metadata["modality"] == "pair"
    assert replay(deployable) < TOLERANCE
    model, dataset = FittedModel(run), run.dataset
    answers = model.predict([dataset.path(int(item)) for item in run.split.test])
    right = np.mean([one["label"] for one in answers] == dataset.items["label"].to_numpy()[run.split.test])
    result = run.result()
    assert result
    assert right == pytest.approx(result.test["accuracy"].value)
    rows = pd.read_csv(listing).head(3)
    images = [listing.parent / photo for photo in rows["photo"]]
    given = model.predict(list(zip(images, rows["description"], strict=True)))
    of_files = model.predict([dataset.root / f"row-{n:06d}.pair" for n in (1, 2, 3)])
    assert [one["label"] for one in given] == [one["label"] for one in of_files]


def test_what_a_run_writes_for_people_speaks_of_pairs(run: Run) -> None:
    events = (run.folder / "events.jsonl").read_text(encoding="utf-8")
    card = (run.folder / "champion" / "model_card.md").read_text(encoding="utf-8")
    assert "labelled\npairs" in card
    assert not re.search(r"\bpairs of pairs\b", events + card)


def test_a_champion_that_reads_one_part_leaves_as_a_model_of_that_part(
    listing: Path, tmp_path: Path, plugins: Plugins, settings: Settings
) -> None:
    config = Config(
        listing, tmp_path / "run", text="description", trials=1, budget_seconds=None, strategy="probe",
        heads=("logistic",), backbones=("small",),
    )  # fmt: skip
    run = fit(config, plugins=plugins, settings=settings)
    deployable = load_deployable(run.folder)
    assert deployable.metadata.get("modality", "image") == "image"
    assert replay(deployable) < TOLERANCE
    [answer] = FittedModel(run).predict(listing.parent / "photos" / "000.png")
    assert answer["label"] in run.dataset.classes


def test_the_report_names_the_image_of_each_mistake_beside_its_row(run: Run) -> None:
    evidence = read_evidence(run.folder)
    assert evidence
    tested = replace(evidence.tested, labels=(evidence.tested.probabilities.argmax(axis=1) + 1) % 4)
    texts = {text for cell in cells(run, tested) for image, text in cell.shown if image}
    shown = surest_mistakes(run, tested)
    assert {one.text for one in shown} & texts
    assert shown
    for one in shown:
        photo, row = re.fullmatch(r"(\d{3})\.png \(row-(\d{6})\.pair\)", one.name).groups()  # type: ignore[union-attr]
        assert int(row) == int(photo) + 1


@pytest.fixture
def sampled(run: Run, tmp_path: Path) -> Path:
    """A copy of the run, from which items can be drawn."""
    return shutil.copytree(run.folder, tmp_path / "sampled")


def rows_of(sheet: Path) -> list[dict[str, str]]:
    with sheet.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def described(listing: Path) -> dict[str, str]:
    """The description of each photo."""
    table = pd.read_csv(listing)
    return {str(listing.parent / photo): text for photo, text in zip(table["photo"], table["description"], strict=True)}


def test_a_sheet_of_pairs_says_where_the_image_is_beside_the_text(
    sampled: Path, listing: Path, tmp_path: Path
) -> None:  # fmt: skip
    drawn = draw_sample(sampled, 5, sheet=tmp_path / "sheet.csv")
    rows = rows_of(tmp_path / "sheet.csv")
    assert [list(row) for row in rows] == [["item", "coder", "label", "image", "text"]] * 5
    known = described(listing)
    assert all(known[row["image"]].strip() == row["text"].strip() for row in rows)
    assert [Path(row["item"]).name for row in rows] == list(drawn.items)


def test_copies_of_pairs_are_images_that_can_be_looked_at(sampled: Path, listing: Path, tmp_path: Path) -> None:
    drawn = draw_sample(sampled, 5, sheet=tmp_path / "sheet.csv", copies=tmp_path / "copies")
    rows = rows_of(tmp_path / "sheet.csv")
    assert [list(row) for row in rows] == [["item", "coder", "label", "text"]] * 5
    assert sorted(Path(row["item"]).name for row in rows) == [f"image-{n:04d}.png" for n in range(1, 6)]
    texts = {Path(photo).read_bytes(): text for photo, text in described(listing).items()}
    assert all(texts[Path(row["item"]).read_bytes()].strip() == row["text"].strip() for row in rows)
    validate(sampled, [SheetRow(n, row["item"], "Ann", "0 wine") for n, row in enumerate(rows, 2)])
    assert {one.item for one in read_codings(validation_folder(sampled))} == set(drawn.items)


def test_paths_of_images_that_reveal_the_class_of_pairs_are_said_to(
    plugins: Plugins, settings: Settings, listing: Path, tmp_path: Path
) -> None:
    table = pd.read_csv(listing)
    for row, label in enumerate(table["label"]):
        photo = tmp_path / "data" / label / f"{row}.png"
        photo.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(listing.parent / table.loc[row, "photo"], photo)
        table.loc[row, "photo"] = f"{label}/{row}.png"
    table.to_csv(tmp_path / "data" / "listing.csv", index=False)
    config = Config(
        tmp_path / "data", tmp_path / "run", text="description", trials=1, budget_seconds=None, strategy="probe",
        heads=("logistic",), backbones=("small",),
    )  # fmt: skip
    folder = fit(config, plugins=plugins, settings=settings).folder
    seen = draw_sample(folder, 3, sheet=tmp_path / "seen.csv")
    assert any("not blind" in note and ".png" in note for note in seen.notes)
    copied = draw_sample(folder, 3, sheet=tmp_path / "copied.csv", copies=tmp_path / "copies")
    assert not any("not blind" in note for note in copied.notes)


def test_a_sheet_for_an_estimate_of_pairs_says_where_the_image_is(
    sampled: Path, listing: Path, tmp_path: Path, settings: Settings
) -> None:
    table = pd.read_csv(listing).assign(description=lambda frame: frame["description"] + " Once more.")
    new = listing.with_name("more.csv")
    table.drop(columns="label").to_csv(new, index=False)
    draw_to_label(sampled, new, 4, tmp_path / "sheet.csv", settings=settings)
    rows = rows_of(tmp_path / "sheet.csv")
    assert [list(row) for row in rows] == [["item", "coder", "label", "image", "text"]] * 4
    known = described(new)
    assert all(known[row["image"]].strip() == row["text"].strip() for row in rows)
