"""Draws and codings on disk: nothing is lost, and what is wrong is named by its line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autotl.errors import RunError
from autotl.evidence.sampling import draw
from autotl.runs.validation import (
    CODINGS_FILE,
    SAMPLE_FILE,
    DrawnSample,
    HumanLabel,
    append_codings,
    in_force,
    keep_answers,
    read_codings,
    read_sample,
    write_sample,
)


def test_codings_come_back_as_they_were_given(tmp_path: Path) -> None:
    given = (
        HumanLabel('a "b",\n.png', "Zoë", "cat", 1_700_000_000.125, 0.25),
        HumanLabel("caf\udce9.png", "Bo", "dog", 1_700_000_001.0, None),
    )
    append_codings(tmp_path, given[:1])
    append_codings(tmp_path, given[1:])
    assert read_codings(tmp_path) == given


def test_the_last_answer_of_a_coder_counts_and_the_former_is_kept(tmp_path: Path) -> None:
    answers = [HumanLabel("a", "Ann", label, float(n)) for n, label in enumerate(("cat", "dog"))]
    append_codings(tmp_path, [*answers, HumanLabel("b", "Ann", "cat", 3.0), HumanLabel("b", "Ann", "", 4.0)])
    assert len(read_codings(tmp_path)) == 4
    assert {key: one.label for key, one in in_force(read_codings(tmp_path)).items()} == {("a", "Ann"): "dog"}


def test_coders_who_answer_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    answers = [HumanLabel(f"{n}.png", "Ann", "cat", float(n)) for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: append_codings(tmp_path, [one]), answers))
    assert sorted(read_codings(tmp_path), key=lambda one: one.moment) == answers


def test_an_answer_is_kept_once_with_the_probability_of_its_item_and_can_be_taken_back(tmp_path: Path) -> None:
    write_sample(tmp_path, draw([f"{n}.png" for n in range(10)], 10))
    assert keep_answers(tmp_path, [("1.png", "Ann", "cat"), ("other.png", "Ann", "dog")]) == 2
    assert keep_answers(tmp_path, [("1.png", "Ann", "cat")]) == 0
    assert keep_answers(tmp_path, [("1.png", "Ann", "")]) == 1
    assert [one.probability for one in read_codings(tmp_path)] == [1.0, None, 1.0]
    assert list(in_force(read_codings(tmp_path))) == [("other.png", "Ann")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a,Ann,cat,yesterday,0.5", "line 3: the moment is 'yesterday'"),
        ("a,Ann,cat,2026-01-01T00:00:00Z,2", "line 3: the probability is '2'"),
        ("a,,cat,2026-01-01T00:00:00Z,", "line 3: the coder is empty"),
        ("a,Ann,cat", "line 3: it has 3 cells"),
    ],
)
def test_a_damaged_line_is_named_and_nothing_is_added_to_the_file(tmp_path: Path, line: str, said: str) -> None:
    append_codings(tmp_path, [HumanLabel("a", "Ann", "cat", 0.0)])
    path = tmp_path / CODINGS_FILE
    path.write_text(path.read_text() + line + "\n")
    before = path.read_bytes()
    with pytest.raises(RunError, match=said):
        append_codings(tmp_path, [HumanLabel("b", "Ann", "cat", 0.0)])
    assert path.read_bytes() == before


def test_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / CODINGS_FILE).write_text("item,label\n")
    with pytest.raises(RunError, match="line 1: the columns are 'item,label'"):
        read_codings(tmp_path)


def test_a_sample_comes_back_as_it_was_drawn(tmp_path: Path) -> None:
    assert read_sample(tmp_path) == DrawnSample()
    sample = draw([f"{n}.png" for n in range(10)], 4, described="the test split")
    write_sample(tmp_path, sample)
    assert read_sample(tmp_path) == sample


def test_a_damaged_sample_is_named(tmp_path: Path) -> None:
    (tmp_path / SAMPLE_FILE).write_text('{"format": 1, "draws": [{}], "inclusion": {}}')
    with pytest.raises(RunError, match=r"sample\.json cannot be read: KeyError"):
        read_sample(tmp_path)
