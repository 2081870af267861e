"""A run's scores as the app shows them."""

from __future__ import annotations

from pathlib import Path

import made_runs
import pytest

from autotl.interfaces import ScoreInterval
from autotl.runs.result import RunResult
from autotl_ui.results.score_tables import class_table
from autotl_ui.workspace.runs import look
from autotl_ui.workspace.scores import by_class, overall


@pytest.fixture
def result(runs: Path) -> RunResult:
    made_runs.write_finished(runs / "good")
    found = look(runs / "good").result
    assert found
    return found


def test_scores_of_classes_are_told_apart_whatever_brackets_the_names_hold(result: RunResult) -> None:
    found = by_class(result.test)
    assert set(found) == {"recall", "precision"}
    assert set(found["recall"]) == {*made_runs.CLASSES}
    assert not any("[" in name for name in overall(result.test))


def test_classes_are_sorted_worst_first_and_the_undefined_come_last() -> None:
    scores = {"a": ScoreInterval(0.9, 0.8, 1.0), "b": ScoreInterval(), "c": ScoreInterval(0.2, 0.1, 0.3)}
    assert list(class_table(scores)["class"]) == ["c", "a", "b"]
