"""Labels that too few items have are left out by name, and their items stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotl.data.rare_labels import without_rare_labels
from autotl.errors import DatasetError


def of_labels(toy_dataset, labels, **columns):
    return replace(toy_dataset(labels, **columns), kind="labels")


def test_a_rare_label_is_left_out_and_its_items_stay_with_their_other_labels(toy_dataset):
    dataset = of_labels(toy_dataset, ["a;b", "a", "b"] * 8 + ["a;rare", "rare", "b;?rare"])
    found = without_rare_labels(dataset, 5, seed=0)
    assert found.classes == ("a", "b")
    assert list(found.items["label"][-3:]) == ["a", ";", "b"]
    assert not found.labels[-2].any()
    [note] = found.notes
    assert "1 label left out by --min-per-class 5, because fewer than 5 items have it (rare: 2)" in note.message


def test_a_label_whose_items_are_all_of_one_group_is_left_out_too(toy_dataset):
    labels = ["a;b", "a", "b"] * 8 + ["c;a"] * 8
    group = [""] * 24 + ["one"] * 8
    found = without_rare_labels(of_labels(toy_dataset, labels, group=group), 5, seed=0)
    assert found.classes == ("a", "b")
    assert "cannot be divided" in found.notes[0].message


def test_data_of_which_no_label_would_be_left_are_refused(toy_dataset):
    with pytest.raises(DatasetError, match=r"would leave no label \(a: 6, b: 6\)"):
        without_rare_labels(of_labels(toy_dataset, ["a", "b"] * 6), 50, seed=0)
