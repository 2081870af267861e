"""A run's scores as tables."""

from __future__ import annotations

from autotl.interfaces import ScoreInterval
from autotl_ui.results.score_tables import class_table


def test_classes_are_sorted_worst_first_and_the_undefined_come_last() -> None:
    scores = {"a": ScoreInterval(0.9, 0.8, 1.0), "b": ScoreInterval(), "c": ScoreInterval(0.2, 0.1, 0.3)}
    assert list(class_table(scores)["class"]) == ["c", "a", "b"]
