"""What tells the label beyond a margin is named, what tells it as much as the content does is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.datasets import load_digits

from autotl.evidence.shortcut_words import describe, figure, table
from autotl.evidence.shortcuts import Kind, Property, find_shortcuts
from autotl.runs.shortcuts import Following, Shortcut, ShortcutsFound
from autotl.scores import UNDEFINED, ScoreInterval
from autotl.workflows.shortcuts import CORNERS, image_parts


def found_in(properties, labels, *, groups=None, seed=0):
    fold = np.random.default_rng(seed).permutation(len(labels)) % 5
    names = [f"c{i}" for i in range(labels.max() + 1)]
    return {one.name: one for one in find_shortcuts(properties, labels, fold, classes=names, groups=groups)[0]}


@pytest.fixture(scope="module")
def digits():
    """Four kinds of handwritten digits as pixels, (n, 3, 32, 32), with their labels."""
    images, labels = load_digits(n_class=4, return_X_y=True)
    large = images.reshape(-1, 8, 8)[:400].repeat(4, axis=1).repeat(4, axis=2) * 15
    return np.stack([large] * 3, axis=1).astype(np.float32), labels[:400]


def with_watermark(pixels, marked):
    """A small logo in the bottom right corner of some images."""
    logo = np.array([[250, 0, 250], [0, 250, 0], [250, 0, 250]], dtype=np.float32)
    copy = pixels.copy()
    copy[np.ix_(marked, range(3), range(27, 30), range(27, 30))] = logo
    return copy


def test_a_watermark_that_follows_one_class_is_named_and_its_class_singled_out(digits):
    pixels, labels = digits
    found = found_in(list(image_parts(with_watermark(pixels, np.flatnonzero(labels == 2)))), labels)
    assert [name for name, one in found.items() if one.is_named] == ["bottom right corner"]
    assert found["bottom right corner"].label == "c2"


def test_a_watermark_on_images_of_all_classes_is_not_named(digits):
    pixels, labels = digits
    marked = np.random.default_rng(0).choice(len(labels), len(labels) // 3, replace=False)
    found = found_in(list(image_parts(with_watermark(pixels, marked))), labels)
    assert not any(one.is_named for one in found.values())
    assert set(CORNERS) | {"border", "centre"} == set(found)


def test_a_file_format_that_follows_the_class_is_named_with_what_shows_it():
    labels = np.arange(200) % 2
    formats = np.where(np.random.default_rng(0).random(200) < 0.9, np.where(labels == 0, "JPEG", "PNG"), "PNG")
    [one] = found_in([Property("file format", Kind.FILE, formats)], labels).values()
    assert one.is_named
    assert "% of c0 have JPEG, and 0 % of the others" in one.example
    assert one.score.low > 0.8


def test_images_without_a_camera_are_said_to_have_none():
    labels = np.arange(200) % 2
    cameras = np.where(labels == 1, "", np.where(np.arange(200) % 4 == 0, "Canon", "Nikon"))
    [one] = found_in([Property("camera", Kind.FILE, cameras)], labels).values()
    assert one.example == "100 % of c1 have none, and 0 % of the others"


@pytest.mark.parametrize("seed", range(5))
def test_labels_that_were_dealt_out_anew_have_no_shortcut(digits, seed):
    pixels, labels = digits
    rng = np.random.default_rng(seed)
    properties = [*image_parts(pixels), Property("file format", Kind.FILE, rng.choice(["JPEG", "PNG"], len(labels)))]
    assert not any(one.is_named for one in found_in(properties, rng.permutation(labels), seed=seed).values())


def test_groups_that_are_alike_widen_the_interval():
    labels = np.repeat(np.arange(40) % 2, 10)
    values = np.repeat(np.random.default_rng(0).normal(size=40), 10)[:, None] + labels[:, None]
    one = Property("brightness", Kind.LOOK, values)
    alone, grouped = (
        found_in([one], labels, groups=groups)["brightness"].score for groups in (None, np.arange(400) // 10)
    )
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_a_property_that_is_the_same_everywhere_is_left_out():
    assert not found_in([Property("file format", Kind.FILE, np.full(60, "PNG"))], np.arange(60) % 2)


def test_a_following_that_nothing_tells_is_not_said_in_numbers():
    unknown = Following(30, 0, 0.5, math.nan, UNDEFINED, UNDEFINED)
    one = Shortcut("camera", ScoreInterval(0.9, 0.8, 0.95), 0.001, is_named=True, following=unknown)
    [sentence] = describe(ShortcutsFound(0.5, 100, (one,)))
    assert "could not be measured" in sentence
    assert "nan" not in sentence


def test_it_says_what_was_tried_where_nothing_was_found(digits):
    pixels, labels = digits
    shortcuts = tuple(found_in(list(image_parts(pixels)), labels).values())
    result = ShortcutsFound(0.25, len(labels), shortcuts)
    first, border = describe(result)
    assert first.startswith("No shortcut was found: on 400 images")
    assert "sees only the border has a balanced accuracy of" in border
    assert len(table(result).rows) == len(shortcuts)
    assert figure(result).spec["data"]["values"]
    assert ShortcutsFound.from_json(result.to_json()) == result
