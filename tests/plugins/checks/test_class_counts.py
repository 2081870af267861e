"""How many images each class has."""

from __future__ import annotations

import pytest

from autotl_plugins.checks import class_counts as plugin


@pytest.mark.parametrize(("n", "warned"), [(19, True), (20, False)])
def test_small_classes_are_named_with_their_counts(photos, n, warned):
    findings = list(plugin.class_sizes(photos(["cat"] * 40 + ["dog"] * n)))
    assert [f.message for f in findings] == (["1 of 2 classes has fewer than 20 images (dog: 19)"] if warned else [])


@pytest.mark.parametrize(("n", "warned"), [(200, False), (201, True)])
def test_an_imbalance_of_more_than_ten_to_one_is_named(photos, n, warned):
    findings = list(plugin.class_sizes(photos(["cat"] * n + ["dog"] * 20)))
    assert [f.severity for f in findings] == ["warning"] * warned
    if warned:
        assert "(cat: 201) has 10 times as many images as the smallest (dog: 20)" in findings[0].message
        assert "balanced accuracy" in findings[0].advice


def test_unreadable_files_do_not_count_into_the_size_of_a_class(photos):
    dataset = photos(["cat"] * 25 + ["dog"] * 25, quarantine=["bad"] * 10 + [""] * 40)
    [finding] = plugin.class_sizes(dataset)
    assert "cat: 15" in finding.message


def test_of_many_small_classes_ten_are_named(photos):
    [finding] = plugin.class_sizes(photos([f"c{i:02}" for i in range(12) for _ in range(5)]))
    assert "12 of 12 classes" in finding.message
    assert "c09: 5 and 2 more" in finding.message
