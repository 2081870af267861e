"""Which classes are recognised worst."""

from __future__ import annotations

import math

from autotl.evidence.weak_classes import rank_by_recall
from autotl.interfaces import ScoreInterval


def recall(value: float) -> ScoreInterval:
    return ScoreInterval(value, value - 0.1, value + 0.1)


def test_classes_are_ranked_by_recall_and_those_without_test_images_are_listed_apart() -> None:
    found = rank_by_recall({"a": recall(1.0), "b": ScoreInterval(), "c": recall(0.5), "d": recall(0.8)}, {})
    assert [one.name for one in found.ranked] == ["c", "d", "a"]
    assert [one.name for one in found.untested] == ["b"]
    assert [one.name for one in found.imperfect] == ["c", "d"]
    assert {one.n_items for one in (*found.ranked, *found.untested)} == {None}


def test_a_class_is_untested_where_it_has_no_test_images_and_not_where_its_recall_has_no_interval() -> None:
    scores = {"a": ScoreInterval(math.nan, 0.0, 1.0), "b": recall(0.75), "c": ScoreInterval(0.5), "d": recall(0.0)}
    found = rank_by_recall(scores, {"a": 0, "b": 12, "c": 4, "d": 0})
    assert [(one.name, one.n_items) for one in found.ranked] == [("c", 4), ("b", 12)]
    assert [(one.name, one.n_items) for one in found.untested] == [("a", 0), ("d", 0)]


def test_of_a_perfect_model_no_class_is_imperfect() -> None:
    assert rank_by_recall({"a": recall(1.0)}, {"a": 3}).imperfect == ()
    assert rank_by_recall({}, {}).ranked == ()
