"""Kinds of target: what the texts of labels mean, and which items are alike."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.targets import (
    LABELS,
    NUMBER,
    ORDERED,
    Target,
    applying_labels,
    classes_in,
    encode,
    kind_of,
    known_labels,
    label_text,
    named_kind,
    strata,
)


def encoded(kind, texts):
    return encode(Target("", kind, classes_in(kind, texts)), np.array(texts))


def test_classes_are_sorted_by_name_and_ordered_ones_by_their_number():
    assert classes_in("classes", ["10", "9", "1"]) == ("1", "10", "9")
    assert classes_in(ORDERED, ["10", "9", "1"]) == ("1", "9", "10")
    assert classes_in(ORDERED, ["low", "high", "mid"]) == ("high", "low", "mid")
    assert encoded(ORDERED, ["10", "9", "1"]).tolist() == [2, 1, 0]
    assert classes_in(ORDERED, ["low", "mid", "high"], ("low", "mid", "high")) == ("low", "mid", "high")
    assert classes_in("classes", ["low", "mid", "high"], ("low", "mid", "high")) == ("high", "low", "mid")


def test_a_number_is_read_as_it_is_and_has_no_classes():
    assert classes_in(NUMBER, ["1.5", "-2"]) == ()
    assert encoded(NUMBER, ["1.5", "-2", "1e3"]).tolist() == [1.5, -2, 1000]


def test_labels_become_a_matrix_in_which_an_item_may_have_none():
    assert classes_in(LABELS, ["b; a", ";", "c"]) == ("a", "b", "c")
    assert encoded(LABELS, ["b; a", ";", "c"]).tolist() == [[True, True, False], [False] * 3, [False, False, True]]


def test_a_label_of_which_it_is_unknown_whether_it_applies_is_not_negative():
    labels = encoded(LABELS, ["a;?b", "b"])
    assert labels.tolist() == [[1, -1], [0, 1]]
    assert known_labels(labels).tolist() == [[True, False], [True, True]]
    assert known_labels(labels > 0).all()


@pytest.mark.parametrize("applying", [(), ("a",), ("a", "b c")])
@pytest.mark.parametrize("unknown", [(), ("z",)])
def test_the_text_of_labels_is_never_empty_and_can_be_read_again(applying, unknown):
    text = label_text(applying, unknown)
    assert text
    assert applying_labels(text) == applying
    assert set(classes_in(LABELS, [text])) == {*applying, *unknown}


def test_the_kind_can_be_told_from_the_labels():
    assert kind_of(np.array([0, 1])) == "classes"
    assert kind_of(np.zeros((3, 2), dtype=bool)) == LABELS
    assert kind_of(np.zeros(3)) == NUMBER


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="'colour'; choose one of classes, ordered, labels, number"):
        named_kind("colour")


def test_strata_of_classes_are_the_classes_and_of_numbers_tenths_by_rank():
    classes = np.array([0, 2, 1, 2])
    assert strata(classes) is classes
    found = strata(np.random.default_rng(0).lognormal(size=200))
    assert np.bincount(found).tolist() == [20] * 10
    assert strata(np.zeros(50)).max() == 0
    assert strata(np.arange(5.0)).max() == 0


def test_strata_of_labels_go_by_the_rarest_one_of_each_item():
    labels = np.zeros((10, 3), dtype=bool)
    labels[:6, 0] = labels[4:8, 1] = labels[[0, 5], 2] = True
    found = strata(labels)
    assert found[0] == found[5] != found[4] == found[6]
    assert found[1] == found[2] != found[8] == found[9]


def test_a_head_of_classes_also_learns_labels_but_no_number():
    usual = ("classes", "ordered")
    assert Target(kind=LABELS).may_use(usual)
    assert Target(kind=ORDERED).may_use(usual)
    assert not Target(kind=NUMBER).may_use(usual)
    assert Target(kind=NUMBER).may_use(("number",))
    assert not Target().may_use(("number",))


def test_a_model_answers_with_a_column_for_each_class_or_label_and_one_for_a_number():
    assert Target("", LABELS, ("a", "b", "c")).n_outputs == 3
    assert Target(kind=NUMBER).n_outputs == 1
