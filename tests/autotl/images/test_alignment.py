"""Registration of one small image to another."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from autotl.images.alignment import MINIATURE_EDGE, WHOLE, align, describe, miniature


def field(seed, edge=256):
    """A smooth image without an edge anywhere."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((edge, edge), Image.Resampling.BICUBIC)


def miniatures(*images):
    return np.stack([miniature(image) for image in images])


def part(image, box):
    top, bottom, left, right = (round(place * image.width) for place in box)
    return image.crop((left, top, right, bottom))


def test_a_miniature_keeps_luminance_and_two_colour_differences_for_any_size():
    for size in ((300, 20), (5, 7), (1, 1)):
        found = miniature(Image.new("RGB", size, (200, 200, 200)))
        assert (found.shape, found.dtype) == ((3, MINIATURE_EDGE, MINIATURE_EDGE), np.uint8)
        assert (found[0] == 200).all() and (found[1:] == 128).all()


def test_a_descriptor_has_mean_0_and_length_1_and_is_zero_for_a_blank_image():
    blank = Image.new("RGB", (50, 50), (90, 10, 240))
    found = describe(miniatures(field(0), field(1), blank), WHOLE)
    assert (found.shape, found.dtype) == ((3, 768), np.float32)
    assert found.mean(1) == pytest.approx(0, abs=1e-6)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 0], abs=1e-5)


def test_what_is_hardly_there_counts_for_less_than_what_can_be_seen():
    faint = Image.fromarray(np.random.default_rng(0).integers(127, 129, (32, 32), dtype=np.uint8)).convert("RGB")
    assert np.linalg.norm(describe(miniatures(faint), WHOLE)) < 0.3


def test_brightness_and_contrast_do_not_change_a_descriptor():
    image = field(3)
    paler = image.point(lambda value: 60 + value // 2)
    first, second = describe(miniatures(image, paler), WHOLE)
    assert first @ second > 0.999


@pytest.mark.parametrize("box", [WHOLE, (0.0, 0.9, 0.1, 1.0), (0.05, 0.95, 0.02, 0.98)])
def test_a_box_shows_what_a_crop_shows(box):
    image, unrelated = field(4), field(5)
    [seen] = describe(miniatures(image), box)
    crop, other = describe(miniatures(part(image, box), unrelated), WHOLE)
    assert seen @ crop > 0.998
    assert seen @ other < 0.8


def test_each_image_may_have_a_box_of_its_own():
    images = miniatures(field(6), field(7))
    boxes = np.array([(0, 0.9, 0, 0.9), (0.1, 1, 0.1, 1)])
    apart = [describe(images[i : i + 1], tuple(boxes[i]))[0] for i in range(2)]
    assert describe(images, boxes) == pytest.approx(np.stack(apart), abs=1e-6)


def test_beyond_its_edge_an_image_goes_on_as_it_ends():
    black_and_white = Image.fromarray(np.repeat([0, 255], 16).astype(np.uint8)[None].repeat(32, 0)).convert("RGB")
    seen = describe(miniatures(black_and_white), (0, 1, -1, 1))[0].reshape(3, 16, 16)[0]
    assert (np.sign(seen) == np.repeat([-1, 1], [12, 4])).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_crop_is_found_where_it_was_cut_out(seed):
    image, box = field(seed), (0.03, 0.91, 0.09, 0.97)
    first, second = miniatures(image), miniatures(part(image, box))
    start = np.array([(0.0, 0.91, 0.0, 0.91)])
    [found] = align(first, second, start, steps=6)
    assert found == pytest.approx(box, abs=0.01)
    [aligned], [before], [target] = (describe(first, found), describe(first, start), describe(second, WHOLE))
    assert aligned @ target > max(0.997, before @ target)


@pytest.mark.parametrize("blank", ["first", "second", "both"])
def test_nothing_can_be_aligned_to_a_blank_image_and_the_box_stays_finite_and_near(blank):
    white = Image.new("RGB", (40, 40), "white")
    first = white if blank != "second" else field(0)
    second = white if blank != "first" else field(1)
    [found] = align(miniatures(first), miniatures(second), np.array([WHOLE]))
    assert np.isfinite(found).all()
    assert (np.abs(found - WHOLE) <= 0.1 + 1e-6).all()
