"""The result's document as the app reads it."""

from __future__ import annotations

import json
from pathlib import Path

import made_runs
import pytest

from autotl.interfaces import ScoreInterval
from autotl_ui.results.score_tables import class_table
from autotl_ui.workspace.runs import look
from autotl_ui.workspace.scores import Result, read_result


@pytest.fixture
def result(runs: Path) -> Result:
    made_runs.write_finished(runs / "good")
    found = look(runs / "good").result
    assert found
    return found


def test_scores_of_classes_are_told_apart_whatever_brackets_the_names_hold(result: Result) -> None:
    assert set(result.test_by_class) == {"recall", "precision"}
    assert set(result.test_by_class["recall"]) == {*made_runs.CLASSES}
    assert not any("[" in name for name in result.test)


def test_a_document_of_an_older_version_is_read_without_what_it_lacks(runs: Path, result: Result) -> None:
    document = json.loads((runs / "good" / "run.json").read_text(encoding="utf-8"))["result"]
    for name in ("ended", "expected_gain", "passed_over", "fingerprint"):
        del document[name]
    older = read_result(document, runs / "good")
    assert (older.ended, older.expected_gain, older.passed_over, older.refit) == ("", "", (), None)
    assert older.test == result.test


def test_classes_are_sorted_worst_first_and_the_undefined_come_last() -> None:
    scores = {"a": ScoreInterval(0.9, 0.8, 1.0), "b": ScoreInterval(), "c": ScoreInterval(0.2, 0.1, 0.3)}
    assert list(class_table(scores)["class"]) == ["c", "a", "b"]
