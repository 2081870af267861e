"""People label a sample of a run: it is drawn blind, taken in all or not at all, and summed up in words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import made_runs
import numpy as np
import pytest

from autotl.data.coding_sheet import SheetRow, read_sheet
from autotl.errors import ConfigError, DatasetError, RunError
from autotl.evidence.run_evidence import read_evidence
from autotl.runs.run import open_run
from autotl.runs.validation import SAMPLE_FILE, read_codings, read_sample, validation_folder
from autotl.workflows.codings_intake import take_codings
from autotl.workflows.human_validation import HumanValidation, validate
from autotl.workflows.people_sample import draw_sample, write_sheet_again

BIRD, CATS, DOGS = sorted(made_runs.CLASSES, key=made_runs.CLASSES.index)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """90 images in three classes; 18 of them are the test split."""
    made_runs.write_finished(tmp_path / "run")
    return tmp_path / "run"


def said_by(
    coder: str, items: tuple[str, ...], *, wrong: float = 0.0, always: tuple[str, str] | None = None
) -> list[SheetRow]:
    """Who codes by the folder, and errs in a share of the images, or calls one class another in two of three."""
    rng = np.random.default_rng(len(coder))
    rows = []
    for number, item in enumerate(items):
        label = Path(item).parent.name
        if always and label == always[0] and number % 3:
            label = always[1]
        elif rng.random() < wrong:
            label = next(name for name in made_runs.CLASSES if name != label)
        rows.append(SheetRow(number + 2, item, coder, label))
    return rows


def drawn(run: Path, n: int = 60, **more: object) -> tuple[str, ...]:
    return draw_sample(run, n, sheet=run.parent / f"sheet-{n}-{len(more)}.csv", **more).items  # type: ignore[arg-type]


def three_coders(run: Path) -> HumanValidation:
    items = drawn(run, 90)
    rows = said_by("Ann", items, wrong=0.02) + said_by("Bobby", items, wrong=0.02)
    return validate(run, rows + said_by("Cem", items, always=(CATS, DOGS)))


def test_a_sheet_tells_nothing_of_what_the_model_says(run: Path, tmp_path: Path) -> None:
    found = draw_sample(run, 10, sheet=tmp_path / "sheet.csv")
    with (tmp_path / "sheet.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [["item", "coder", "label"]] * 10
    assert all(Path(row["item"]).is_file() and not row["coder"] and not row["label"] for row in rows)
    assert [row["item"].endswith(item) for row, item in zip(rows, found.items, strict=True)] == [True] * 10
    assert any("not blind" in note for note in found.notes)
    assert "within about" in found.plan.sentence


def test_the_test_split_comes_first_and_then_what_the_search_answered_unseen(run: Path) -> None:
    evidence = read_evidence(run)
    assert evidence
    first = drawn(run, 10)
    assert set(first) <= evidence.tested_paths
    second = drawn(run, 20)
    assert not set(first) & set(second)
    assert len(set(second) & evidence.tested_paths) == 8
    sample = read_sample(validation_folder(run))
    assert [draw.number for draw in sample.draws] == [1, 2, 3]
    assert sum(1 / p for p in sample.probabilities.values()) == pytest.approx(90)


def test_copies_under_neutral_names_are_understood_when_they_come_back(run: Path, tmp_path: Path) -> None:
    found = draw_sample(run, 5, sheet=tmp_path / "sheet.csv", copies=tmp_path / "copies")
    assert not found.notes
    rows = read_sheet(tmp_path / "sheet.csv")
    assert all(Path(row.item).parent == tmp_path / "copies" for row in rows)
    assert not any(name in row.item for row in rows for name in made_runs.CLASSES)
    truth = [Path(item).parent.name for item in found.items]
    validate(run, [SheetRow(row.line, row.item, "Ann", label) for row, label in zip(rows, truth, strict=True)])
    assert {(one.item, one.label) for one in read_codings(validation_folder(run))} == set(
        zip(found.items, truth, strict=True)
    )


def test_an_image_of_the_data_that_is_called_like_a_copy_is_itself_wherever_the_data_lay(run: Path) -> None:
    evidence = read_evidence(run)
    assert evidence
    items = evidence.run.dataset.items
    folder = Path(items["path"].iloc[-1]).parent
    items.loc[items.index[-1], "path"] = named = str(folder / "image-0001.png")
    draw_sample(run, 5, sheet=run.parent / "sheet.csv")
    first = read_sample(validation_folder(run)).items[0]
    rows = [SheetRow(2, f"/elsewhere/{named}", "Ann", BIRD), SheetRow(3, "/copies/image-0001.png", "Ann", BIRD)]
    take_codings(evidence, rows, "the sheet")
    assert [one.item for one in read_codings(validation_folder(run))] == [named, first]


@pytest.mark.parametrize(("by", "design"), [("class", None), (None, "score")])
def test_other_designs_store_what_they_did(run: Path, by: str | None, design: str | None) -> None:
    drawn(run, 12, by=by, design=design)
    [draw] = read_sample(validation_folder(run)).draws
    assert draw.design == (design or "group")
    assert sum(draw.taken.values()) == 12
    if by:
        assert draw.taken == dict.fromkeys(made_runs.CLASSES, 4)


def test_a_sheet_is_never_overwritten_and_can_be_written_again(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has been drawn yet"):
        write_sheet_again(run, tmp_path / "again.csv")
    draw_sample(run, 5, sheet=tmp_path / "sheet.csv")
    with pytest.raises(ConfigError, match="already exists"):
        draw_sample(run, 5, sheet=tmp_path / "sheet.csv")
    assert len(read_sample(validation_folder(run)).items) == 5
    assert write_sheet_again(run, tmp_path / "again.csv") == 5
    assert len(read_sheet(tmp_path / "again.csv")) == 5


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"by": "age"}, "no such column; it has class, group"),
        ({"design": "group"}, "needs a column of groups"),
        ({"design": "score", "by": "class"}, "give one of the two"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_nothing_is_written(run: Path, more: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        drawn(run, 5, **more)
    assert not read_sample(validation_folder(run)).items
    assert not list(run.parent.glob("*.csv"))


def test_all_wrong_lines_are_named_and_nothing_is_kept(run: Path) -> None:
    one, two = drawn(run, 2)
    rows = [
        SheetRow(2, one, "Ann", BIRD),
        SheetRow(3, "elsewhere.png", "Ann", BIRD),
        SheetRow(4, two, "Ann", "giraffe"),
        SheetRow(5, two, "", BIRD),
        SheetRow(6, one, "Ann", CATS),
    ]
    with pytest.raises(DatasetError) as error:
        validate(run, rows, source="my.csv")
    for said in (
        "my.csv has 4 wrong rows", "line 3: 'elsewhere.png' is not an item of the run",
        "line 4: 'giraffe' is not a class",
        "line 5: the coder is ''", "line 6: Ann coded", "already in line 2", "Nothing was kept",
    ):  # fmt: skip
        assert said in str(error.value)
    assert read_codings(validation_folder(run)) == ()


def test_a_sheet_that_is_given_twice_counts_once_and_a_later_answer_counts_instead_of_the_former(run: Path) -> None:
    items = drawn(run, 4)
    rows = said_by("Ann", items)
    empty = [SheetRow(9, items[0], "Bo", "")]
    taken = [validate(run, rows + empty).taken for _ in range(2)]
    assert [(one.n_new, one.n_known, one.n_open) for one in taken if one] == [(4, 0, 1), (0, 4, 1)]
    other = next(name for name in made_runs.CLASSES if name != rows[0].label)
    found = validate(run, [SheetRow(2, rows[0].item, "Ann", other.upper())])
    assert len(read_codings(validation_folder(run))) == 5
    assert found.coded == {"Ann": 4}
    assert found.people
    assert sorted(found.people.table.classes[code] for code in found.people.table.codes[:, 0]) == sorted(
        [other, *(row.label for row in rows[1:])]
    )
    assert all(one.probability == pytest.approx(4 / 18) for one in read_codings(validation_folder(run)))


def test_who_errs_on_purpose_is_named_first_with_what_is_confused(run: Path) -> None:
    found = three_coders(run)
    assert found.people
    [cem] = found.people.deviating
    assert (cem.coder, cem.said, cem.meant) == ("Cem", DOGS, CATS)
    assert found.sentences[0].startswith("Cem disagrees with the others far more than they do with each other")
    assert found.people.without.value > found.people.reliability.alpha.value + 0.1
    assert "Is the model as good as a coder?" in found.sentences[1]


def test_what_people_say_is_kept_as_json_and_as_a_panel_that_replaces_the_former(run: Path) -> None:
    before = read_evidence(run)
    three_coders(run)
    found = validate(run)
    kept = json.loads((validation_folder(run) / "summary.json").read_text())
    assert kept == json.loads(json.dumps(found.to_json()))
    assert kept["model"]["as_good_as_a_coder"] in ("yes", "no", "cannot say yet")
    result = open_run(run).result()
    assert result
    assert result.to_json()["validation"]["deviating"] == ["Cem"]  # type: ignore[index]
    after = read_evidence(run)
    assert before
    assert after
    assert [panel.panel for panel in after.panels] == ["people", *(panel.panel for panel in before.panels)]
    assert any("Cem disagrees" in str(row) for part in after.panels[0].parts for row in getattr(part, "rows", ()))


def test_without_codings_it_says_what_to_do_next(run: Path) -> None:
    assert "--sample" in validate(run).next_step
    items = drawn(run, 6)
    assert "--codings" in validate(run).next_step
    assert "second person" in validate(run, said_by("Ann", items)).next_step
    assert "Bobby 4" in validate(run, said_by("Bobby", items[:2])).next_step
    validate(run, said_by("Bobby", items))
    assert "third person" in validate(run).next_step
    found = validate(run, said_by("Cem", items))
    assert found.people
    assert "--sample" in found.next_step or found.people.compared.more_items is None


def test_images_that_nobody_drew_are_said_to_stand_for_themselves(run: Path) -> None:
    evidence = read_evidence(run)
    assert evidence
    items = tuple(sorted(evidence.tested_paths))
    found = validate(run, said_by("Ann", items) + said_by("Bobby", items))
    assert any("AutoTL did not draw these images" in sentence for sentence in found.sentences)
    assert found.people
    assert found.people.n_compared == 18


def test_one_name_is_one_person_however_it_is_written_and_paths_of_another_place_are_understood(run: Path) -> None:
    one, two = drawn(run, 2)
    validate(run, [SheetRow(2, f"D:\\study\\photos\\{one.replace('/', chr(92))}", "Ann Lee", BIRD)])
    found = validate(run, [SheetRow(2, f"./{two}", " ann  lee ", BIRD), SheetRow(3, one, "ANN LEE", BIRD)])
    assert found.coded == {"Ann Lee": 2}
    with pytest.raises(DatasetError, match="already in line 2"):
        validate(run, [SheetRow(2, one, "Bo", BIRD), SheetRow(3, one, "bo", CATS)])


def test_a_sheet_without_labels_is_not_passed_over_in_silence(run: Path) -> None:
    for rows in ([], [SheetRow(2, drawn(run, 2)[0], "Ann", "")]):
        with pytest.raises(DatasetError, match="no row has a label"):
            validate(run, rows)


def test_a_name_with_control_characters_is_refused_with_its_line_and_never_shown(run: Path) -> None:
    [one] = drawn(run, 1)
    for name in ("a\0b", "\x1b[31mAnn", "Ann\u202e"):
        with pytest.raises(DatasetError, match=r"line 2: the coder's name .* has the character U\+") as error:
            validate(run, [SheetRow(2, one, name, BIRD)])
        assert str(error.value).isprintable()
    assert read_codings(validation_folder(run)) == ()


def test_a_sample_that_is_gone_is_missed_and_nothing_is_drawn_or_coded_until_it_is_back(run: Path) -> None:
    rows = said_by("Ann", drawn(run, 20))
    validate(run, rows[:10])
    sample = validation_folder(run) / SAMPLE_FILE
    kept = sample.read_bytes()
    sample.unlink()
    summary = (validation_folder(run) / "summary.json").read_bytes()
    found = validate(run)
    assert (validation_folder(run) / "summary.json").read_bytes() == summary
    assert not any("AutoTL did not draw" in sentence for sentence in found.sentences)
    assert found.sentences[0].startswith(f"The sample is missing: {sample} is gone")
    assert found.next_step.startswith("Put back sample.json")
    for attempt in (
        lambda: drawn(run, 5), lambda: validate(run, rows[10:]),
        lambda: write_sheet_again(run, run.parent / "again.csv"),
    ):  # fmt: skip
        with pytest.raises(RunError, match=r"sample\.json is missing.*Put back sample\.json"):
            attempt()
    assert not sample.exists()
    sample.write_bytes(kept)
    assert validate(run, rows[10:]).coded == {"Ann": 20}


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(RunError, match=r"is not a run folder: it has no run\.json"):
            validate(folder)


def test_evidence_that_is_damaged_is_named_with_what_helps(run: Path) -> None:
    evidence = run / "evidence"
    searched = (evidence / "search.npz").read_bytes()
    (evidence / "search.npz").unlink()
    with pytest.raises(RunError, match=r"evidence/search\.npz is missing.*autotl refit") as error:
        validate(run)
    assert "autotl resume" not in str(error.value)
    (evidence / "search.npz").write_bytes(searched)
    for name in ("test.npz", "panels.json", "evaluations.json"):
        whole = (evidence / name).read_bytes()
        (evidence / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(RunError, match=rf"evidence/{name} is damaged.*autotl refit"):
            validate(run)
        (evidence / name).write_bytes(whole)
    (run / "run.json").write_text('{"config":')
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        validate(run)


def test_a_run_that_was_not_finished_is_to_be_resumed(run: Path) -> None:
    open_run(run).update(result=None)
    (run / "evidence" / "test.npz").unlink()
    with pytest.raises(RunError, match=r"is not finished.*autotl resume"):
        validate(run)


def test_a_sheet_that_cannot_be_written_is_named_as_it_was_given_and_nothing_is_drawn(run: Path) -> None:
    (run.parent / "file").write_text("")
    for sheet in (run.parent / "file" / "sheet.csv", Path("/proc/sheet.csv")):
        with pytest.raises(ConfigError) as error:
            draw_sample(run, 5, sheet=sheet)
        assert str(error.value).startswith(f"{sheet} cannot be written: ")
        assert f".{sheet.name}." not in str(error.value)
    assert not read_sample(validation_folder(run)).items


def test_more_than_there_is_is_all_there_is_and_said_so(run: Path) -> None:
    found = draw_sample(run, 1_000_000_000, sheet=run.parent / "sheet.csv")
    assert "1,000,000,000 images were requested, and all 90 that there are were drawn" in " ".join(found.notes)
