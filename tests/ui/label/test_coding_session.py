"""Coding a sample: each answer is kept once under its coder's name, and nobody sees another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import made_runs
import pytest

from autotl.errors import RunError
from autotl.evidence.run_evidence import read_evidence
from autotl.runs.validation import CODINGS_FILE, in_force, read_codings, read_sample, validation_folder
from autotl.workflows.people_sample import draw_sample
from autotl_ui.label.coding_session import CodingSession, coding_session, end_coding, take_codings

BIRD, CATS, _ = made_runs.CLASSES


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made_runs.write_finished(tmp_path / "run")
    draw_sample(tmp_path / "run", 4, sheet=tmp_path / "sheet.csv")
    end_coding()
    return tmp_path / "run"


def begin(run: Path, coder: str) -> CodingSession:
    evidence = read_evidence(run)
    assert evidence
    return coding_session(run, evidence.run.dataset.root, coder, evidence.test.classes)


def say(session: CodingSession, *actions: dict[str, Any], log: str = "a") -> None:
    take_codings(session, {"log": log, "queue": session.name, "position": 1, "actions": list(actions)})


def label(n: int, index: int, name: str) -> dict[str, Any]:
    return {"n": n, "kind": "label", "index": index, "label": name}


def kept(run: Path) -> dict[tuple[str, str], str]:
    return {key: one.label for key, one in in_force(read_codings(validation_folder(run))).items()}


def test_an_answer_is_kept_once_with_its_coder_and_its_probability(run: Path) -> None:
    session = begin(run, " Ann  Lee ")
    for _ in range(2):
        say(session, label(1, 0, BIRD))
    [one] = read_codings(validation_folder(run))
    assert (one.coder, one.item, one.label) == ("Ann Lee", session.items[0], BIRD)
    assert one.probability == pytest.approx(4 / 18)
    say(session, label(1, 0, BIRD), label(2, 0, CATS))
    assert kept(run) == {(session.items[0], "Ann Lee"): CATS}
    assert len(read_codings(validation_folder(run))) == 2


def test_undo_takes_back_what_was_said_and_leaves_what_was_before(run: Path) -> None:
    session = begin(run, "Ann")
    say(session, label(1, 0, BIRD), label(2, 0, CATS), {"n": 3, "kind": "undo", "of": 2})
    assert kept(run) == {(session.items[0], "Ann"): BIRD}
    say(session, {"n": 4, "kind": "undo", "of": 1})
    assert kept(run) == {}


def test_who_comes_back_goes_on_and_another_person_begins_with_all_images(run: Path) -> None:
    first = begin(run, "Ann")
    say(first, label(1, 0, BIRD))
    assert begin(run, "Ann") is first
    end_coding()
    assert (len(begin(run, "Ann").items), begin(run, "Ann").n_before) == (3, 1)
    other = begin(run, "Bo")
    assert other.items == read_sample(validation_folder(run)).items
    assert other.n_before == 0
    assert other.labels == {}


@pytest.mark.parametrize(
    "action",
    [label(1, 99, BIRD), label(1, -1, BIRD), label(1, 0, "giraffe"), {"n": 1, "kind": "exclude", "index": 0}, "x",
     {"n": 1, "kind": "undo", "of": 7}],
)  # fmt: skip
def test_what_does_not_fit_is_ignored(run: Path, action: Any) -> None:
    session = begin(run, "Ann")
    say(session, action)
    take_codings(session, {"queue": "another", "actions": [label(1, 0, BIRD)]})
    take_codings(session, None)
    assert kept(run) == {}


def test_an_answer_that_cannot_be_kept_is_reported_again(run: Path) -> None:
    session = begin(run, "Ann")
    path = validation_folder(run) / CODINGS_FILE
    path.write_text("damaged\n")
    with pytest.raises(RunError, match="line 1"):
        say(session, label(1, 0, BIRD))
    path.unlink()
    say(session, label(1, 0, BIRD))
    assert len(kept(run)) == 1
