"""Copies, near copies, and labels that contradict each other."""

from __future__ import annotations

import numpy as np
import pytest

from autotl.checks.check_document import CheckedFinding
from autotl.checks.proposals import accept_at_once
from autotl.data.patch import Decision
from autotl_plugins.checks import copies as plugin


def test_copies_are_counted_and_listed_side_by_side(photos):
    [finding] = plugin.duplicates(photos(["cat"] * 5, sha256=["x", "y", "x", "y", "z"]))
    assert finding.severity == "info"
    assert finding.message.startswith("4 images are exact copies of another image, such as cat/0.png and cat/2.png")
    assert finding.items == ("cat/0.png", "cat/2.png", "cat/1.png", "cat/3.png")


def test_of_exact_copies_each_is_shown_beside_the_one_that_stays_for_it_and_those_with_its_label_may_go(photos):
    [finding] = plugin.duplicates(photos(["cat", "cat", "dog", "dog", "owl"], sha256=["x", "x", "x", "x", "z"]))
    assert finding.pairs == (("cat/0.png", "cat/1.png"), ("cat/0.png", "dog/2.png"), ("dog/2.png", "dog/3.png"))
    assert finding.proposals == (("exclude", "cat/1.png"), ("exclude", "dog/3.png"))


def test_near_copies_are_counted_in_pairs_and_groups_the_most_alike_first(photos):
    pairs = [(0, 1, 0.95), (1, 2, 0.99, True), (5, 6, 0.97)]
    [finding] = plugin.near_duplicates(photos(["cat"] * 200, pairs=pairs))
    assert finding.severity == "info"
    assert "3 pairs of images look almost the same, 1 of them mirrored (5 images in 2 groups)" in finding.message
    assert finding.items == ("cat/1.png", "cat/2.png", "cat/5.png", "cat/6.png", "cat/0.png")
    assert finding.pairs == (("cat/1.png", "cat/2.png"), ("cat/5.png", "cat/6.png"), ("cat/0.png", "cat/1.png"))
    assert finding.fixes == (("exclude", "cat/1.png"),)


def test_near_copies_may_be_different_things_so_nothing_is_proposed_for_all_of_them(photos):
    [finding] = plugin.near_duplicates(photos(["cat"] * 3, pairs=[(0, 1, 0.95)]))
    assert finding.proposals == ()
    assert "may be different things that look alike" in finding.advice


@pytest.mark.parametrize(("n", "width", "severity"), [(39, 640, "warning"), (41, 640, "info"), (39, 28, "info")])
def test_many_near_copies_are_a_warning_unless_the_images_are_too_small_to_tell(photos, n, width, severity):
    [finding] = plugin.near_duplicates(photos(["cat"] * n, pairs=[(0, 1, 0.98)], width=width))
    assert finding.severity == severity


def test_exact_copies_are_no_near_copies(photos):
    assert not list(plugin.near_duplicates(photos(["cat"] * 4, sha256=["x", "x", "y", "z"], pairs=[(0, 1, 1.0)])))


def test_exact_copies_with_two_labels_are_a_warning_that_names_a_pair_and_its_labels(photos):
    dataset = photos(["cat", "cat", "dog"], sha256=["x", "x", "x"], pairs=[(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0)])
    [finding] = plugin.label_conflicts(dataset)
    assert finding.severity == "warning"
    assert finding.message == (
        "3 images are exact copies with different labels, such as cat/0.png (cat) and dog/2.png (dog)"
    )
    assert finding.pairs == (("cat/0.png", "dog/2.png"), ("cat/1.png", "dog/2.png"))
    assert finding.fixes == (("relabel", "cat/0.png", "dog"), ("exclude", "cat/0.png"))


def test_near_copies_with_two_labels_are_to_be_looked_at_the_most_alike_first(photos):
    dataset = photos(["cat", "cat", "dog", "dog"], pairs=[(0, 1, 0.999), (0, 3, 0.95), (1, 2, 0.97)])
    [finding] = plugin.label_conflicts(dataset)
    assert "2 pairs of images that look almost the same have different labels" in finding.message
    assert finding.advice.startswith("Look at them")
    assert finding.items == ("cat/1.png", "dog/2.png", "cat/0.png", "dog/3.png")
    assert finding.pairs == (("cat/1.png", "dog/2.png"), ("cat/0.png", "dog/3.png"))
    assert finding.fixes == (("relabel", "cat/1.png", "dog"), ("exclude", "cat/1.png"))


def test_copies_with_one_label_are_no_conflict(photos):
    assert not list(plugin.label_conflicts(photos(["cat"] * 3, sha256=["x", "x", "y"], pairs=[(0, 1, 1), (1, 2, 0.9)])))


def test_of_thousands_of_copies_all_but_one_of_each_may_go(photos):
    contents = np.repeat(np.arange(331), 8)
    dataset = photos(["same"] * len(contents), sha256=[f"{content:064x}" for content in contents])
    [finding] = plugin.duplicates(dataset)
    assert len(finding.proposals) == 331 * 7
    checked = CheckedFinding(
        finding.check, finding.severity, finding.message, finding.items, pairs=finding.pairs,
        proposals=tuple(Decision(*words) for words in finding.proposals),
    )  # fmt: skip
    chosen = accept_at_once(checked, applies=lambda _: True, excluded=(), in_force=(), decided=())
    assert len(chosen) == 331 * 7
