"""What can be counted: unreadable files, small classes, imbalance, copies."""

from __future__ import annotations

import pytest

from autotl.testing import check_plugin
from autotl_plugins.checks import class_counts as plugin


def test_the_checks_conform():
    check_plugin(plugin)


def test_nothing_is_found_in_a_sound_data_set(toy_dataset):
    dataset = toy_dataset(["cat"] * 30 + ["dog"] * 30)
    assert [f for check in plugin.register_checks() for f in check.run(dataset)] == []


def test_unreadable_files_are_counted_and_listed_with_the_first_reason(toy_dataset):
    dataset = toy_dataset(["cat", "cat", "dog"], quarantine=["", "it is empty", "it is cut short"])
    [finding] = plugin.unreadable(dataset)
    assert finding.message == "2 of 3 images cannot be used and were set aside; cat/1.png: it is empty"
    assert finding.items == ("cat/1.png", "dog/2.png")


@pytest.mark.parametrize(("n", "warned"), [(19, True), (20, False)])
def test_small_classes_are_named_with_their_counts(toy_dataset, n, warned):
    findings = list(plugin.class_sizes(toy_dataset(["cat"] * 40 + ["dog"] * n)))
    assert [f.message for f in findings] == (["1 of 2 classes have fewer than 20 images (dog: 19)"] if warned else [])


@pytest.mark.parametrize(("n", "warned"), [(200, False), (201, True)])
def test_an_imbalance_of_more_than_ten_to_one_is_named(toy_dataset, n, warned):
    findings = list(plugin.class_sizes(toy_dataset(["cat"] * n + ["dog"] * 20)))
    assert [f.severity for f in findings] == ["warning"] * warned
    if warned:
        assert "(cat: 201) has 10 times as many images as the smallest (dog: 20)" in findings[0].message
        assert "balanced accuracy" in findings[0].advice


def test_unreadable_files_do_not_count_into_the_size_of_a_class(toy_dataset):
    dataset = toy_dataset(["cat"] * 25 + ["dog"] * 25, quarantine=["bad"] * 10 + [""] * 40)
    [finding] = plugin.class_sizes(dataset)
    assert "cat: 15" in finding.message


def test_copies_are_counted_and_listed_side_by_side(toy_dataset):
    [finding] = plugin.duplicates(toy_dataset(["cat"] * 4, sha256=["x", "y", "x", "z"]))
    assert finding.severity == "info"
    assert finding.message.startswith("2 images are exact copies of another one")
    assert finding.items == ("cat/0.png", "cat/2.png")


def test_copies_with_two_labels_are_a_warning_that_names_a_pair(toy_dataset):
    findings = list(plugin.duplicates(toy_dataset(["cat", "cat", "dog", "dog"], sha256=["x", "y", "x", "z"])))
    assert [f.severity for f in findings] == ["info", "warning"]
    assert "2 images are exact copies with different labels, such as cat/0.png and dog/2.png" in findings[1].message
