"""Shares of images without labels, from a run, a folder of new images and what people said of some of them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import made_runs
import numpy as np
import pytest
from PIL import Image

from autotl.data.spreadsheet_paths import unlike_formula
from autotl.errors import ConfigError, DatasetError, MachineError
from autotl.runs.run import open_run
from autotl.workflows.share_estimate import Request, draw_to_label, estimate_shares
from autotl.workflows.share_items import Lookup

DARK, MIDDLE, BRIGHT = made_runs.CLASSES
N = 120


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A finished run whose model goes by brightness, and 120 new images of which it takes some dark ones for bright."""
    place = tmp_path_factory.mktemp("place")
    made_runs.write_finished(place / "run")
    (place / "new").mkdir()
    random = np.random.default_rng(0)
    for number in range(N):
        value = random.integers(20, 40) if number % 4 else random.integers(215, 235)
        pixels = np.full((8, 8, 3), value, np.uint8)
        pixels[0, 0] = random.integers(0, 255, 3)
        Image.fromarray(pixels).save(place / "new" / f"{number:03d}.png")
    rows = [f"{number:03d}.png,{'north' if number % 3 else 'south'},{number % 4}-{number // 24}" for number in range(N)]
    (place / "places.csv").write_text("path,place,person\n" + "\n".join(rows) + "\n")
    return place


def truth(item: str) -> str:
    """What people see: a tenth of the dark ones are cats, which the model does not know."""
    number = int(Path(item).stem)
    return BRIGHT if number % 4 == 0 else MIDDLE if number % 10 == 1 else DARK


def write(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("item", "coder", "label"), *rows])
    return path


def coded(sheet: Path, coder: str = "Ann") -> list[tuple[str, str, str]]:
    with sheet.open() as file:
        return [(row["item"], coder, truth(row["item"])) for row in csv.DictReader(file)]


@pytest.fixture
def sheet(place, tmp_path, settings, monkeypatch):
    """A drawn sample of 60, filled in."""
    shutil.rmtree(place / "run" / "shares", ignore_errors=True)
    drawn = draw_to_label(place / "run", place / "new", 60, tmp_path / "sheet.csv", settings=settings)
    assert len(drawn.items) == drawn.n_drawn == 60
    return write(tmp_path / "coded.csv", coded(drawn.sheet))


def estimate(place, settings, **asked):
    return estimate_shares(place / "run", place / "new", Request(**asked), settings=settings)


def test_without_labels_no_share_is_given_and_the_assumption_is_printed(place, settings):
    document = estimate(place, settings).to_json()
    assert document["method"] == "naive"
    assert all(one["value"] is None and one["low"] == 0 for one in document["shares"].values())
    assert document["shares"][BRIGHT]["naive"] == pytest.approx(0.25)
    assert set(document["cross_check"]) >= {"sld"}
    text = " ".join(document["sentences"])
    for said in ("Do not report these as shares", "label shift", "labels would give every share within 3 points"):
        assert said in text


def test_labels_correct_the_shares(place, settings, sheet):
    found = estimate(place, settings, codings=sheet)
    document = found.to_json()
    assert (document["method"], document["n_items"], document["n_labelled"]) == ("post-stratified", N, 60)
    real = {name: sum(truth(f"{number:03d}") == name for number in range(N)) / N for name in made_runs.CLASSES}
    for name, one in document["shares"].items():
        assert one["low"] <= real[name] <= one["high"], name
        assert one["low"] < one["high"]
    assert document["shares"][BRIGHT]["value"] == pytest.approx(0.25, abs=0.01)
    assert document["labels"]["how"] == "drawn"
    assert "corrected by 60 labels" in document["sentences"][0]
    assert set(document["cross_check"]) == {"ppi++", "rogan-gladen"}


def test_the_same_labels_serve_accuracy_gaps_and_monitoring(place, settings, sheet):
    found = estimate(place, settings, codings=sheet, by="place", attributes=place / "places.csv")
    uses = found.to_json()["uses"]
    right = sum(truth(f"{number:03d}") != MIDDLE for number in range(N)) / N
    assert uses["accuracy"]["low"] <= right <= uses["accuracy"]["high"]
    assert set(uses["accuracy"]["by"]) == {"north", "south"}
    assert [gap["group"] for gap in uses["gap"]["groups"]] == ["north"]
    assert uses["gap"]["groups"][0]["verdict"] in ("pass", "fail", "undecided")
    assert set(uses["monitoring"]) == {"tested", "change"}
    assert set(found.to_json()["by"]) == {"north", "south"}
    assert any(sentence.startswith("place north, 80 images") for sentence in found.text)


def test_the_gate_has_the_largest_gap_of_the_run_and_else_ten_points(place, settings, sheet, tmp_path):
    asked = {"codings": sheet, "by": "place", "attributes": place / "places.csv"}
    assert estimate(place, settings, **asked).to_json()["uses"]["gap"]["tolerance"] == 0.1
    strict = shutil.copytree(place / "run", tmp_path / "strict")
    document = json.loads((strict / "run.json").read_text())
    document["config"]["max_gap"] = 0.001
    (strict / "run.json").write_text(json.dumps(document))
    found = estimate_shares(strict, place / "new", Request(**asked), settings=settings)
    gap = found.to_json()["uses"]["gap"]
    assert (gap["tolerance"], gap["groups"][0]["verdict"]) == (0.001, "undecided")
    assert any("differs by more than 0.1 points from that in the other groups" in one for one in found.text)


def test_the_sentence_says_what_further_labels_would_tell(place, settings, sheet):
    found = estimate(place, settings, codings=sheet, within=0.02, by="place", attributes=place / "places.csv")
    [sentence] = [one for one in found.text if " more: " in one]
    plan = found.to_json()["plan"]
    assert sentence.startswith(f"{plan['n_more']} more: every share within 2 points, gap")
    assert plan["n_labels"] == plan["n_more"] + 60


def test_images_of_one_person_make_the_interval_wider(place, settings, sheet):
    apart = estimate(place, settings, codings=sheet).to_json()["shares"][DARK]
    together = estimate(
        place, settings, codings=sheet, clusters="person", attributes=place / "places.csv"
    ).to_json()["shares"][DARK]  # fmt: skip
    assert together["value"] == apart["value"]
    assert together["high"] - together["low"] > apart["high"] - apart["low"]


def test_a_further_draw_repeats_no_image_and_both_count(place, settings, sheet, tmp_path):
    again = draw_to_label(place / "run", place / "new", 30, tmp_path / "more.csv", settings=settings)
    assert again.n_drawn == 90
    first, more = ([Path(item).name for item, _, _ in coded(path)] for path in (sheet, again.sheet))
    assert not set(first) & set(more)
    both = write(tmp_path / "both.csv", coded(sheet) + coded(again.sheet))
    assert estimate(place, settings, codings=both).to_json()["n_labelled"] == 90


def test_a_sheet_is_not_written_over(place, settings, tmp_path):
    (tmp_path / "sheet.csv").write_text("mine")
    with pytest.raises(ConfigError, match="already exists"):
        draw_to_label(place / "run", place / "new", 5, tmp_path / "sheet.csv", settings=settings)
    assert (tmp_path / "sheet.csv").read_text() == "mine"


def test_coders_who_disagree_leave_an_image_open(place, settings, sheet, tmp_path):
    rows = coded(sheet)
    other = [(item, "Bo", DARK if label == BRIGHT else BRIGHT) for item, _, label in rows[:3]]
    found = estimate(place, settings, codings=write(tmp_path / "two.csv", rows + other)).to_json()
    assert (found["n_labelled"], found["labels"]["unresolved"]) == (57, 3)
    assert any("3 images without a majority" in sentence for sentence in found["sentences"])


def test_of_three_coders_two_decide(place, settings, sheet, tmp_path):
    rows = coded(sheet)
    three = rows + [(item, "Bo", label) for item, _, label in rows] + [(item, "Cem", DARK) for item, _, _ in rows]
    found = estimate(place, settings, codings=write(tmp_path / "three.csv", three)).to_json()
    assert (found["n_labelled"], found["labels"]["unresolved"]) == (60, 0)
    assert found["shares"] == estimate(place, settings, codings=sheet).to_json()["shares"]


def test_images_that_were_not_drawn_do_not_count(place, settings, sheet, tmp_path):
    drawn = {Path(item).name for item, _, _ in coded(sheet)}
    extra = next(f"{number:03d}.png" for number in range(N) if f"{number:03d}.png" not in drawn)
    rows = [*coded(sheet), (extra, "Ann", truth(extra))]
    found = estimate(place, settings, codings=write(tmp_path / "more.csv", rows)).to_json()
    assert (found["n_labelled"], found["labels"]["not_drawn"]) == (60, 1)


def test_labels_that_nobody_drew_are_taken_for_a_random_sample_and_said_to_be(place, settings, tmp_path):
    shutil.rmtree(place / "run" / "shares", ignore_errors=True)
    rows = [(f"{number:03d}.png", "Ann", truth(f"{number:03d}")) for number in range(0, N, 3)]
    found = estimate(place, settings, codings=write(tmp_path / "own.csv", rows)).to_json()
    assert found["labels"]["how"] == "assumed"
    assert any("picked by hand" in sentence for sentence in found["sentences"])


def test_probabilities_in_the_sheet_are_used(place, settings, tmp_path):
    shutil.rmtree(place / "run" / "shares", ignore_errors=True)
    path = tmp_path / "weighted.csv"
    rows = [
        f"{number:03d}.png,Ann,{truth(f'{number:03d}')},{0.9 if number % 4 == 0 else 0.3}" for number in range(0, N, 2)
    ]
    path.write_text("item,coder,label,probability\n" + "\n".join(rows) + "\n")
    assert estimate(place, settings, codings=path).to_json()["labels"]["how"] == "given"
    whole = path.read_text()
    path.write_text(whole + "003.png,Ann,,\n")  # without a label it needs no probability
    assert estimate(place, settings, codings=path).to_json()["labels"]["how"] == "given"
    path.write_text(whole.replace(",0.3", ",", 1))  # one that is missing is not taken to be like the others
    with pytest.raises(DatasetError, match=r"line 3: the probability ''"):
        estimate(place, settings, codings=path)
    path.write_text(whole.replace(",0.9", ",1.9"))
    with pytest.raises(DatasetError, match=r"line 2: the probability '1.9'"):
        estimate(place, settings, codings=path)


@pytest.mark.parametrize(("first", "mark"), [("", ";"), ("", "\t"), ("sep=;\n", ";"), ("sep=:\n", ":")])
def test_a_sheet_as_a_spreadsheet_saves_it_is_read_with_its_probabilities(place, settings, tmp_path, first, mark):
    """Separated by semicolons or tabs, with commas as decimal marks, empty rows, and remarks beside the table."""
    shutil.rmtree(place / "run" / "shares", ignore_errors=True)
    rows = [("item", "coder", "label", "probability", "note", "note"), ("",) * 6]
    rows += [
        (f"{number:03d}.png", "Ann", truth(f"{number:03d}"), "0,9" if number % 4 == 0 else "0,3", "", "")
        for number in range(0, N, 2)
    ]
    path = tmp_path / "saved.csv"
    with path.open("w", newline="") as file:
        file.write(first)
        csv.writer(file, delimiter=mark, lineterminator="\n").writerows(rows)
    found = estimate(place, settings, codings=path)
    assert (found.findings.labels.how, found.findings.labels.used) == ("given", N // 2)
    with (tmp_path / "plain.csv").open("w", newline="") as file:
        csv.writer(file).writerows([(*row[:3], row[3].replace(",", ".")) for row in rows])
    assert found.to_json() == estimate(place, settings, codings=tmp_path / "plain.csv").to_json()
    path.write_text(path.read_text().replace("0,3", "3", 1))
    line = 4 + bool(first)
    with pytest.raises(DatasetError, match=rf"saved.csv, line {line}: the probability '3' is not a number"):
        estimate(place, settings, codings=path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("nowhere.png", "Ann", DARK), r"line 3: 'nowhere.png' is not clearly one of the 120 images"),
        (("002.png", "Ann", "horse"), r"line 3: the label 'horse' is not a class of the model; expected one of"),
    ],
)
def test_a_coding_that_is_not_understood_is_refused_by_its_line(place, settings, tmp_path, row, message):
    with pytest.raises(DatasetError, match=message):
        estimate(place, settings, codings=write(tmp_path / "bad.csv", [("001.png", "Ann", DARK), row]))


def test_a_sheet_without_labels_says_what_to_write(place, settings, tmp_path):
    with pytest.raises(DatasetError, match="has no label yet"):
        estimate(place, settings, codings=write(tmp_path / "empty.csv", [("001.png", "Ann", "")]))


def test_few_labels_are_said_to_be_few(place, settings, tmp_path):
    shutil.rmtree(place / "run" / "shares", ignore_errors=True)
    rows = [(f"{number:03d}.png", "Ann", DARK) for number in (1, 2, 3)]
    found = estimate(place, settings, codings=write(tmp_path / "few.csv", rows))
    assert any("too few to say much" in sentence for sentence in found.text)
    assert any(f"No labelled image is {MIDDLE}" in sentence for sentence in found.text)
    assert found.to_json()["shares"][MIDDLE]["high"] > 0.3


def test_images_that_the_model_was_trained_on_are_left_out(place, settings, tmp_path):
    run, mixed = place / "run", tmp_path / "mixed"
    shutil.copytree(place / "new", mixed)
    photos = sorted((place / "photos").rglob("*.*"))
    for number, photo in enumerate(photos):
        shutil.copy(photo, mixed / f"seen-{number:03d}{photo.suffix}")
    found = estimate_shares(run, mixed, Request(), settings=settings).to_json()
    trained_on = found["left_out"]["trained_on"]
    # Of the run's 90 images, 18 are its test split; one of these has a copy that was trained on.
    assert (trained_on, found["n_items"]) == (73, N + len(photos) - 73)
    rows = [(f"seen-{number:03d}{photo.suffix}", "Ann", DARK) for number, photo in enumerate(photos)]
    rows += [(f"{number:03d}.png", "Ann", truth(f"{number:03d}")) for number in range(0, N, 3)]
    found = estimate_shares(run, mixed, Request(codings=write(tmp_path / "c.csv", rows)), settings=settings).to_json()
    assert found["labels"]["trained_on"] == trained_on
    assert found["n_labelled"] == N // 3 + len(photos) - trained_on


def test_only_images_that_the_model_was_trained_on_are_refused(place, settings, tmp_path):
    seen = tmp_path / "seen"
    seen.mkdir()
    run = open_run(place / "run")
    for number, path in enumerate(run.dataset.items["path"].iloc[run.split.development].tolist()[:5]):
        shutil.copy(run.dataset.root / path, seen / f"{number}{Path(path).suffix}")
    with pytest.raises(ConfigError, match="was trained on 5 of the 5 items"):
        estimate_shares(place / "run", seen, Request(), settings=settings)


def test_a_table_brings_its_own_groups(place, settings, tmp_path):
    rows = [f"{place / 'new' / f'{number:03d}.png'},{'old' if number % 2 else ''}" for number in range(N)]
    (tmp_path / "images.csv").write_text("path,era\n" + "\n".join(rows) + "\n")
    found = estimate_shares(place / "run", tmp_path / "images.csv", Request(by="era"), settings=settings).to_json()
    assert {name: one["n_items"] for name, one in found["groups"].items()} == {"not given": 60, "old": 60}


@pytest.mark.parametrize(
    ("items", "asked", "message"),
    [
        ("nowhere", Request(), "nowhere does not exist. Check the path"),
        ("new", Request(by="place"), "no table with the column 'place'"),
    ],
)
def test_a_call_that_cannot_work_says_why(place, settings, items, asked, message):
    with pytest.raises(ConfigError, match=message):
        estimate_shares(place / "run", place / items, asked, settings=settings)


def test_the_estimate_stays_in_the_run(place, settings, sheet):
    found = estimate(place, settings, codings=sheet)
    [kept] = (place / "run" / "shares").glob("*/estimate.json")
    assert json.loads(kept.read_text()) == json.loads(json.dumps(found.to_json()))


def test_the_same_call_gives_the_same_numbers(place, settings, sheet):
    assert estimate(place, settings, codings=sheet).to_json() == estimate(place, settings, codings=sheet).to_json()


def elsewhere(tmp_path: Path, folder: str = "other") -> Path:
    """Another image that has the name of one of the population."""
    other = tmp_path / folder / "001.png"
    other.parent.mkdir()
    Image.fromarray(np.full((8, 8, 3), 7, np.uint8)).save(other)
    return other


@pytest.mark.parametrize("folder", ["other", "new"])
def test_the_coding_of_another_image_with_the_same_file_name_is_refused(place, settings, tmp_path, folder):
    item = str(elsewhere(tmp_path, folder))
    with pytest.raises(DatasetError, match=r"line 2: .*001.png' exists and is another image than"):
        estimate(place, settings, codings=write(tmp_path / "c.csv", [(item, "Ann", DARK)]))


@pytest.mark.parametrize("item", ["face/001.png", "C:\\old\\face\\001.png", "/gone/face/001.png"])
def test_a_coding_of_another_folder_is_refused_by_its_line(place, settings, tmp_path, item):
    with pytest.raises(DatasetError, match=r"line 3: .*has only the file name in common with"):
        rows = [("002.png", "Ann", DARK), (item, "Ann", DARK)]
        estimate(place, settings, codings=write(tmp_path / "c.csv", rows))


@pytest.mark.parametrize("name", ["=1+1.png", "-1.png", "@SUM(A1).png", "+1.png"])
def test_an_item_that_was_kept_from_being_a_formula_is_its_image(tmp_path, name):
    files = {name: name, "1.png": "1.png", f"cats/{name}": f"cats/{name}"}
    lookup = Lookup(files)
    assert lookup.find(unlike_formula(name)) == name
    assert not lookup.contradiction(unlike_formula(name), name)


@pytest.mark.parametrize("item", ["001.png", "001", "new/001.png", "D:\\old\\New\\001.png", "/gone/new/001.png"])
def test_an_item_that_does_not_contradict_the_image_is_its_coding(place, settings, tmp_path, item):
    shutil.rmtree(place / "run" / "shares", ignore_errors=True)
    assert estimate(place, settings, codings=write(tmp_path / "c.csv", [(item, "Ann", DARK)])).findings.labels.used == 1


def test_a_copy_of_an_image_is_coded_as_the_image(place, settings, tmp_path):
    shutil.rmtree(place / "run" / "shares", ignore_errors=True)
    copy = shutil.copy(place / "new" / "001.png", tmp_path / "001.png")
    codings = write(tmp_path / "c.csv", [(str(copy), "Ann", DARK)])
    assert estimate(place, settings, codings=codings).findings.labels.used == 1


def test_an_attribute_of_another_folder_is_refused_by_its_line(place, settings, tmp_path):
    (tmp_path / "a.csv").write_text("path,kind\n000.png,old\nface/001.png,new\n")
    with pytest.raises(DatasetError, match=r"a.csv, line 3: 'face/001.png' has only the file name in common with"):
        estimate(place, settings, by="kind", attributes=tmp_path / "a.csv")


@pytest.mark.parametrize("given", ["1e-300", "1e-7", "nan"])
def test_a_probability_that_no_sample_has_is_refused(place, settings, tmp_path, given):
    (tmp_path / "c.csv").write_text(f"item,coder,label,probability\n001.png,Ann,{DARK},{given}\n")
    with pytest.raises(DatasetError, match=rf"line 2: the probability '{given}' is not a number from 0.000001 to 1"):
        estimate(place, settings, codings=tmp_path / "c.csv")


def test_two_labels_of_one_coder_for_one_image_are_refused_with_both_lines(place, settings, tmp_path):
    rows = [("001.png", "Ann", DARK), ("002.png", "Ann", DARK), ("001.png", " ann", BRIGHT)]
    with pytest.raises(DatasetError, match=r"line 4: Ann coded 001.png already in line 2"):
        estimate(place, settings, codings=write(tmp_path / "c.csv", rows))


def test_a_coding_that_stands_twice_counts_once(place, settings, tmp_path):
    shutil.rmtree(place / "run" / "shares", ignore_errors=True)
    rows = [("001.png", "Ann", DARK), ("001.png", "ANN ", DARK), ("001.png", "Bo", BRIGHT), ("001.png", "Cem", DARK)]
    labels = estimate(place, settings, codings=write(tmp_path / "c.csv", rows)).findings.labels
    assert (labels.coders, labels.used) == (("Ann", "Bo", "Cem"), 1)


def test_votes_that_all_tie_are_said_to(place, settings, sheet, tmp_path):
    rows = coded(sheet)[:10]
    rows += [(item, "Bo", DARK if label == BRIGHT else BRIGHT) for item, _, label in rows]
    with pytest.raises(DatasetError, match=r"the votes on the 10 labelled images tie.*another coder"):
        estimate(place, settings, codings=write(tmp_path / "c.csv", rows))


def test_a_sheet_that_cannot_be_written_is_named_before_any_work(place, settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match=r"file/sheet.csv: the folder .* cannot be written.*--out"):
        draw_to_label(place / "run", place / "new", 5, tmp_path / "file" / "sheet.csv", settings=settings)


def test_more_than_fifty_groups_are_refused(place, settings, tmp_path):
    rows = [f"{number:03d}.png,{number}" for number in range(51)]
    (tmp_path / "a.csv").write_text("path,kind\n" + "\n".join(rows) + "\n")
    with pytest.raises(ConfigError, match=r"--by 'kind' has 52 different values.*at most 50"):
        estimate(place, settings, by="kind", attributes=tmp_path / "a.csv")


def test_one_label_is_spoken_of_as_one(place, settings, tmp_path):
    shutil.rmtree(place / "run" / "shares", ignore_errors=True)
    found = estimate(place, settings, codings=write(tmp_path / "c.csv", [("001.png", "Ann", DARK)]))
    assert any(one.startswith("1 label is too few") for one in found.text)


@pytest.fixture
def copied(place, tmp_path, settings):
    """A copy of the run and of the images, with a sample of 60 that is filled in."""
    shutil.copytree(place / "new", tmp_path / "new")
    shutil.copytree(place / "run", tmp_path / "run", ignore=shutil.ignore_patterns("shares"))
    drawn = draw_to_label(tmp_path / "run", tmp_path / "new", 60, tmp_path / "sheet.csv", settings=settings)
    write(tmp_path / "coded.csv", coded(drawn.sheet))
    return tmp_path


def add(folder: Path, n: int) -> None:
    for number in range(n):
        Image.fromarray(np.full((8, 9 + number, 3), 220, np.uint8)).save(folder / f"{N + 4 * number:03d}.png")


def again(copied, settings, sheet: str = "coded.csv"):
    return estimate_shares(copied / "run", copied / "new", Request(copied / sheet), settings=settings)


def test_a_sample_stays_when_images_are_added_and_speaks_of_those_it_was_drawn_from(copied, settings):
    before = again(copied, settings).to_json()
    assert before["sample"] == {"drawn_from": N, "added": 0, "removed": 0}
    add(copied / "new", 5)
    found = again(copied, settings)
    after = found.to_json()
    assert (after["labels"]["how"], after["n_items"], after["shares"]) == ("drawn", N, before["shares"])
    assert after["sample"] == {"drawn_from": N, "added": 5, "removed": 0}
    assert any("drawn from 120 images; since then 5 images were added and 0 removed" in one for one in found.text)
    assert any("The shares are of the 120 images" in one for one in found.text)


def test_images_that_were_removed_are_left_out_with_their_labels(copied, settings):
    drawn = {Path(item).name for item, _, _ in coded(copied / "sheet.csv")}
    others = {f"{number:03d}.png" for number in range(N)} - drawn
    for name in [*sorted(drawn)[:3], *sorted(others)[:2]]:
        (copied / "new" / name).unlink()
    found = again(copied, settings)
    document = found.to_json()
    assert document["sample"] == {"drawn_from": N, "added": 0, "removed": 5}
    assert (document["n_items"], document["n_labelled"], document["labels"]["removed"]) == (N - 5, 57, 3)
    assert any("3 labelled images left out that are no longer there" in one for one in found.text)


def test_a_further_draw_counts_the_images_added_since_and_says_so(copied, settings):
    (copied / "new" / Path(coded(copied / "sheet.csv")[0][0]).name).unlink()
    add(copied / "new", 5)
    more = draw_to_label(copied / "run", copied / "new", 30, copied / "more.csv", settings=settings)
    assert more.n_drawn == 89
    assert any(
        "5 images were added and 1 removed. This draw is from all images that are there now, so the" in one
        for one in more.text
    )
    write(copied / "both.csv", coded(copied / "sheet.csv") + coded(more.sheet))
    document = again(copied, settings, "both.csv").to_json()
    assert (document["n_items"], document["n_labelled"]) == (N - 1 + 5, 89)
    assert document["sample"] == {"drawn_from": N + 5, "added": 0, "removed": 1}


def test_a_further_draw_after_images_were_only_removed_speaks_of_none_that_were_added(copied, settings):
    (copied / "new" / Path(coded(copied / "sheet.csv")[0][0]).name).unlink()
    more = draw_to_label(copied / "run", copied / "new", 30, copied / "more.csv", settings=settings)
    assert any("0 images were added and 1 removed. This draw is from all images that are there now." in one
               for one in more.text)  # fmt: skip


def test_other_images_with_the_same_names_have_no_part_in_the_sample(copied, settings):
    for number in range(N):
        path = copied / "new" / f"{number:03d}.png"
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    found = again(copied, settings).to_json()
    assert (found["labels"]["how"], found["sample"]) == ("assumed", None)


def test_an_image_that_was_replaced_counts_as_removed_and_is_not_drawn_under_its_name(copied, settings):
    name = Path(coded(copied / "sheet.csv")[0][0]).name
    Image.fromarray(np.full((8, 8, 3), 100, np.uint8)).save(copied / "new" / name)
    document = again(copied, settings).to_json()
    assert document["sample"] == {"drawn_from": N, "added": 1, "removed": 1}
    assert (document["n_items"], document["labels"]["removed"]) == (N - 1, 1)
    more = draw_to_label(copied / "run", copied / "new", 60, copied / "more.csv", settings=settings)
    assert name not in {Path(item).name for item in more.items}
    assert len(more.items) == N - 60
    assert any("Rename it to include it" in one for one in more.text)


def test_part_of_the_images_keeps_its_part_of_the_sample(copied, settings):
    """The labels of a part are a sample of that part, with the same probabilities."""
    for number in range(20, N):
        (copied / "new" / f"{number:03d}.png").unlink()
    document = again(copied, settings).to_json()
    labelled = sum(int(Path(item).stem) < 20 for item, _, _ in coded(copied / "sheet.csv"))
    assert (document["n_items"], document["n_labelled"]) == (20, labelled)
    assert document["labels"]["removed"] == 60 - labelled
