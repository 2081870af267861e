"""What became of methods against bias is kept in a file for each attribute, whatever its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autotl.runs.debias import (
    DebiasOutcome,
    GroupCounts,
    MethodOutcome,
    SeedOutcome,
    fits_folder,
    outcome_file,
    read_outcomes,
    write_outcome,
)
from autotl.scores import ScoreInterval

SCORES = {"accuracy": ScoreInterval(0.1, -0.2, 0.3)}
METHOD = MethodOutcome(
    "dfr", "a paper", (SeedOutcome(3, 1.5, {"accuracy": 0.9}, SCORES),), {"accuracy": 0.9}, SCORES, SCORES, 1.5,
    "better", "dfr is better",
)  # fmt: skip
OUTCOME = DebiasOutcome(
    "run", "skin", (GroupCounts("face, skin=dark", 6, 1, 40, True),), 160, SCORES, SCORES, (METHOD,), 0.95,
    {"db-vae": "no images"}, {"jtt": "it failed"}, ("dfr is better",), ("a note",), 7,
)  # fmt: skip


def test_an_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_outcome(tmp_path, OUTCOME)
    write_outcome(tmp_path, replace(OUTCOME, by=None))
    assert list(read_outcomes(tmp_path)) == [replace(OUTCOME, by=None), OUTCOME]


@pytest.mark.parametrize("by", ["a/b", "..", "größe in cm", "x" * 300])
def test_any_name_of_an_attribute_makes_a_file_in_the_folder(tmp_path: Path, by: str) -> None:
    assert outcome_file(tmp_path, by).parent == fits_folder(tmp_path, by).parent == tmp_path / "debias"
    assert fits_folder(tmp_path, by).name not in (".", "..")
    write_outcome(tmp_path, replace(OUTCOME, by=by))
    [found] = read_outcomes(tmp_path)
    assert found.by == by


def test_without_an_attribute_the_file_is_that_of_no_attribute(tmp_path: Path) -> None:
    name = outcome_file(tmp_path, None).stem
    assert outcome_file(tmp_path, name) != outcome_file(tmp_path, None)


def test_what_was_compared_with_another_champion_is_left_out(tmp_path: Path) -> None:
    write_outcome(tmp_path, replace(OUTCOME, trial=4))
    assert read_outcomes(tmp_path)  # a folder that does not tell its champion
    (tmp_path / "run.json").write_text('{"result": {"champion": {"trial": 5}}}')
    assert not read_outcomes(tmp_path)
    assert read_outcomes(tmp_path, champion=4)


def test_a_damaged_file_is_left_out(tmp_path: Path) -> None:
    write_outcome(tmp_path, OUTCOME)
    (tmp_path / "debias" / "other.json").write_text("{")
    assert [found.by for found in read_outcomes(tmp_path)] == ["skin"]
