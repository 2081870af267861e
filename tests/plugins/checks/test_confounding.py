"""File properties that tell the class."""

from __future__ import annotations

import numpy as np
import pytest

from autotl_plugins.checks import confounding as plugin


def ten_classes(n: int) -> list[str]:
    return [f"c{i}" for i in range(10) for _ in range(n)]


def test_it_says_how_often_files_alone_tell_the_class_and_by_what(photos):
    labels = ["cat"] * 40 + ["dog"] * 40
    [finding] = plugin.confounding(photos(labels, format=["JPEG"] * 38 + ["PNG"] * 42))
    assert finding.severity == "warning"
    assert (
        "file properties alone predict the class with a balanced accuracy of 98 %, against 50 % for guessing"
        in finding.message
    )
    assert "the file format: 95 % of cat are JPEG files, and none of the others" in finding.message
    assert set(finding.items) == {f"cat/{i}.png" for i in range(40)}


@pytest.mark.parametrize(
    ("column", "usual", "own", "words"),
    [
        ("format", "JPEG", "PNG", "the file format: all of c3 are PNG files, and none of the others"),
        ("mode", "RGB", "L", "the colour mode: all of c3 have the mode L"),
        ("width", 640, 224, "the width: all of c3 are 224 pixels wide"),
        ("height", 480, 1080, "the height: all of c3 are 1,080 pixels high"),
    ],
)
def test_one_class_of_ten_that_differs_is_named(photos, column, usual, own, words):
    labels = ten_classes(10)
    values = [own if label == "c3" else usual for label in labels]
    [finding] = plugin.confounding(photos(labels, **{column: values}))
    assert "file properties alone distinguish the class c3 from the others" in finding.message
    assert words in finding.message
    assert len(finding.items) == 10


def test_sizes_that_lie_apart_are_told_by_their_middle(photos):
    rng = np.random.default_rng(0)
    widths = [*rng.integers(300, 500, 60), *rng.integers(600, 1200, 60)]
    [finding] = plugin.confounding(photos(["cat"] * 60 + ["dog"] * 60, width=widths))
    assert "half of cat are" in finding.message
    assert "pixels wide or less, half of the others" in finding.message


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("labels", [["cat"] * 8 + ["dog"] * 8, ["cat"] * 60 + ["dog"] * 15, ten_classes(8)])
def test_properties_that_have_nothing_to_do_with_the_class_are_left_alone(photos, labels, seed):
    rng = np.random.default_rng(seed)
    n = len(labels)
    dataset = photos(
        labels,
        width=rng.integers(100, 900, n),
        height=rng.integers(100, 900, n),
        format=rng.choice(["PNG", "JPEG", "GIF"], n),
        mode=rng.choice(["RGB", "L"], n),
    )
    assert not list(plugin.confounding(dataset))


def test_classes_too_small_to_judge_are_left_out(photos):
    assert not list(plugin.confounding(photos(["cat"] * 40 + ["dog"] * 7, format=["JPEG"] * 40 + ["PNG"] * 7)))
