"""Which classes are recognised worst."""

from __future__ import annotations

from autotl.evidence.weak_classes import rank_by_recall
from autotl.interfaces import ScoreInterval


def recall(value: float) -> ScoreInterval:
    return ScoreInterval(value, value - 0.1, value + 0.1)


def test_classes_are_ranked_by_recall_and_those_without_test_images_are_listed_apart() -> None:
    found = rank_by_recall({"a": recall(1.0), "b": ScoreInterval(), "c": recall(0.5), "d": recall(0.8)})
    assert [name for name, _ in found.ranked] == ["c", "d", "a"]
    assert found.untested == ("b",)
    assert [name for name, _ in found.imperfect] == ["c", "d"]


def test_of_a_perfect_model_no_class_is_imperfect() -> None:
    assert rank_by_recall({"a": recall(1.0)}).imperfect == ()
    assert rank_by_recall({}).ranked == ()
