"""Copies on both sides of a given split."""

from __future__ import annotations

import pytest

from autotl_plugins.checks import leaks as plugin


def test_leaks_are_counted_per_pair_of_splits_the_most_alike_first(photos):
    dataset = photos(
        ["cat"] * 5,
        sha256=["a", "b", "a", "d", "e"],
        given_split=["test", "train", "train", "validation", "train"],
        pairs=[(0, 1, 0.96), (0, 2, 1.0), (3, 4, 1.0), (1, 2, 0.99), (0, 3, 0.95)],
    )
    [finding] = plugin.split_leaks(dataset)
    assert finding.severity == "warning"
    assert "4 pairs of copies or near-duplicates (1 exact) on two sides of the given split" in finding.message
    assert "(train and validation: 1, train and test: 2, validation and test: 1)" in finding.message
    assert finding.pairs[:2] == (("cat/0.png", "cat/2.png"), ("cat/3.png", "cat/4.png"))
    assert finding.items == ("cat/0.png", "cat/2.png", "cat/3.png", "cat/4.png", "cat/1.png")


@pytest.mark.parametrize("given", [["", ""], ["train", ""], ["test", "test"]])
def test_copies_that_no_given_split_tears_apart_are_no_leak(photos, given):
    assert not list(plugin.split_leaks(photos(["cat", "cat"], given_split=given, pairs=[(0, 1, 1.0)])))
