"""Classes with too few images are left out by name when that is asked for."""

from __future__ import annotations

import pytest

from autotl.data.dataset import require_learnable
from autotl.data.small_classes import classes_left_out, without_small_classes
from autotl.data.split import split
from autotl.errors import DatasetError


def labels_of(counts):
    return [label for label, n in counts.items() for _ in range(n)]


def test_classes_with_fewer_usable_images_are_excluded_and_named(toy_dataset, tmp_path):
    labels = labels_of({"a": 6, "b": 3, "c": 6, "d": 5})
    skipped = ["it is damaged" if i in (15, 16) else "" for i in range(len(labels))]
    dataset = toy_dataset(labels, pairs=[(0, 1, 0.99), (6, 7, 0.9), (9, 10, 0.95)], quarantine=skipped)
    found = without_small_classes(dataset, 4, seed=0)
    assert found.classes == ("a", "c")
    assert classes_left_out(found) == ("b", "d")
    assert found.excluded.sum() == 8
    assert found.notes[-1].message == (
        "2 classes with 6 usable images are left out by --min-per-class 4, with fewer than 4 usable images (b: 3, d: 3)"
    )
    # The pairs keep to their images, which have other numbers.
    assert found.pairs[["first", "second"]].to_numpy().tolist() == [[0, 1], [6, 7]]
    require_learnable(found, tmp_path)
    assert len(split(found, seed=0).fold) == 12


def test_nothing_changes_where_all_classes_are_large_enough(toy_dataset):
    dataset = toy_dataset(labels_of({"a": 4, "b": 5}))
    assert without_small_classes(dataset, 4, seed=0).notes == ()


def test_classes_that_cannot_be_divided_are_left_out_too(toy_dataset):
    labels = labels_of({"a": 8, "b": 8, "c": 8})
    group = ["one" if label == "c" else "" for label in labels]
    found = without_small_classes(toy_dataset(labels, group=group), 4, seed=0)
    assert classes_left_out(found) == ("c",)
    assert "cannot be divided into training and test (copies, or few groups) (c: 8)" in found.notes[-1].message


def test_ever_so_many_classes_left_out_make_a_short_note(toy_dataset):
    few = {f"class {i:03d}": 2 for i in range(300)}
    found = without_small_classes(toy_dataset(labels_of({"a": 8, "b": 8, **few})), 4, seed=0)
    assert found.notes[-1].message.endswith("class 009: 2 and 290 more)")


def test_a_number_that_would_leave_no_two_classes_is_refused(toy_dataset):
    dataset = toy_dataset(labels_of({"a": 8, "b": 5, "c": 5}))
    with pytest.raises(DatasetError, match=r"--min-per-class 6 would leave 1 class of 3; .* are b: 5, c: 5\. Add"):
        without_small_classes(dataset, 6, seed=0)
