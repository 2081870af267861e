"""What people say is kept as decisions, from which the coding can be read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_data import write_pets

from autotl.data.patch import Decision, read_patch
from autotl_ui.label.labelling import Coding, coder_name, coding_of, decisions_about, store
from autotl_ui.workspace.subjects import Subject
from autotl_ui.workspace.workspace import Workspace

MOMENT = 1_790_000_000.0
BARE, CAT = "unlabelled/0.png", "cat/0.png"


@pytest.fixture
def pets(runs: Path) -> Subject:
    workspace = Workspace(runs.parent)
    one = write_pets(workspace)
    return Subject("data=pets", one.title, one.path, name=one.name)


@pytest.mark.parametrize("coder", ["", "Ann Ö."])
@pytest.mark.parametrize("label", ["", "cat"])
def test_a_coding_survives_the_patch_file(pets: Subject, coder: str, label: str) -> None:
    coding = Coding(coder, BARE, label, MOMENT)
    store(pets, {BARE: coding.decision})
    [kept] = read_patch(pets.patch_file)
    assert coding_of(kept) == coding
    assert len(kept.sha256) == 64


@pytest.mark.parametrize(
    "note", ["", "a wolf", "labelled", "labelled by Ann, yesterday", "labelled, 2026-99-99 00:00:00"]
)
def test_a_decision_made_elsewhere_is_no_coding(note: str) -> None:
    assert coding_of(Decision("relabel", CAT, "dog", note=note)) is None


def test_decisions_are_taken_back_and_others_stay(pets: Subject) -> None:
    store(pets, {BARE: Coding("", BARE, "cat", MOMENT).decision, CAT: Coding("", CAT, "", MOMENT).decision})
    store(pets, {BARE: None, "unlabelled/1.png": None})
    assert decisions_about(pets).keys() == {CAT}


def test_of_what_is_not_in_the_data_nothing_is_kept_and_the_rest_is(pets: Subject) -> None:
    foreign = "../../etc/passwd"
    assert store(pets, {foreign: Decision("exclude", foreign)}) == (foreign,)
    assert not pets.patch_file.exists()
    (pets.data / CAT).unlink()
    changes = {item: Decision("exclude", item) for item in (CAT, BARE)}
    assert store(pets, dict(changes)) == (CAT,)
    assert decisions_about(pets).keys() == {BARE}


def test_a_name_fits_into_a_note() -> None:
    assert coder_name("  Ann,\n Smith ") == "Ann Smith"
    assert len(coder_name("x" * 500)) == 60
