"""Images are cut to what a crop finds, turned upright, and read as whole images where it finds nothing."""

from __future__ import annotations

import io

import numpy as np
import pytest
from made_crops import BRIGHT, framed
from PIL import Image

from autotl.images.cropping import LONGEST_EDGE, decode_cropped, find_corners
from autotl.images.decoder import UnreadableImage, decode

namespace: dict = {}
exec(BRIGHT, namespace)
find_bright = namespace["open"]({})
CORNERS = np.array([(0.25, 0.5), (0.75, 0.5), (0.75, 1), (0.25, 1)], np.float32)


def png(pixels: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def quarters(edge: int) -> np.ndarray:
    """Red, green above blue, white."""
    pixels = np.zeros((edge, edge, 3), np.uint8)
    half = edge // 2
    pixels[:half, :half, 0] = pixels[:half, half:, 1] = pixels[half:, :half, 2] = 255
    pixels[half:, half:] = 255
    return pixels


def test_without_corners_the_whole_image_is_read_as_ever():
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)
    assert (decode_cropped(png(noise), 24, 32, None) == decode(png(noise), 24, 32)).all()


def test_an_upright_part_is_read_as_an_image_of_its_own():
    noise = np.random.default_rng(0).integers(0, 256, (40, 80, 3)).astype(np.uint8)
    part = noise[20:40, 20:60]
    assert np.abs(decode_cropped(png(noise), 20, 40, CORNERS).astype(int) - part).max() <= 1
    # At the edge the filter sees the pixels around the part, which an image of its own lacks.
    smaller = decode_cropped(png(noise), 10, 16, CORNERS).astype(int) - decode(png(part), 10, 16)
    assert np.abs(smaller)[2:-2, 2:-2].max() <= 1


@pytest.mark.parametrize("degrees", [15, 45, 90, 200])
def test_a_turned_part_comes_out_upright(degrees):
    canvas = np.full((300, 300, 3), 90, np.uint8)
    canvas[100:200, 100:200] = quarters(100)
    turned = np.asarray(Image.fromarray(canvas).rotate(degrees, Image.Resampling.BICUBIC))
    angle = -np.deg2rad(degrees)
    x, y = np.array([(-50, -50), (50, -50), (50, 50), (-50, 50)]).T
    corners = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1) + 150
    seen = decode_cropped(png(turned), 32, 32, (corners / 300).astype(np.float32)).astype(int)
    expected = decode(png(quarters(100)), 32, 32).astype(int)
    inside = np.r_[2:14, 18:30]
    assert np.abs(seen - expected)[np.ix_(inside, inside)].max() < 30


def test_beyond_the_image_its_edge_is_repeated():
    beyond = np.array([(-0.5, 0), (0.5, 0), (0.5, 1), (-0.5, 1)], np.float32)
    seen = decode_cropped(png(quarters(64)), 32, 32, beyond)
    assert (seen[8, 4] == (255, 0, 0)).all()
    assert (seen[24, 28] == (0, 0, 255)).all()


def test_a_large_image_and_a_small_copy_give_the_same_part():
    inner = np.full((60, 60, 3), 255, np.uint8)
    small = framed(inner, (30, 90, 30, 30))
    large = np.asarray(Image.fromarray(small).resize((1800, 1200), Image.Resampling.NEAREST))
    for pixels in (small, large):
        seen = []
        corners = find_corners(png(pixels), lambda image, seen=seen: (seen.append(image.shape), find_bright(image))[1])
        assert max(seen[0]) <= LONGEST_EDGE
        assert corners == pytest.approx(np.array([(1 / 6, 0.25), (0.5, 0.25), (0.5, 0.75), (1 / 6, 0.75)]), abs=0.01)
        assert decode_cropped(png(pixels), 16, 16, corners)[2:-2, 2:-2].min() > 240


def test_the_crop_looks_at_the_image_upright_and_the_part_is_upright_too():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    upright = framed(quarters(60), (20, 10, 40, 50))
    file = io.BytesIO()
    Image.fromarray(np.rot90(upright)).save(file, "PNG", exif=exif)
    shapes = []

    def find(pixels):
        shapes.append(pixels.shape)
        return np.array([(50, 20), (110, 20), (110, 80), (50, 80)])

    corners = find_corners(file.getvalue(), find)
    assert shapes == [upright.shape]
    assert np.abs(decode_cropped(file.getvalue(), 60, 60, corners).astype(int) - quarters(60)).max() <= 1


def test_what_is_found_may_be_nothing_or_too_thin_to_be_anything():
    image = png(quarters(64))
    assert find_corners(image, lambda pixels: None) is None
    assert find_corners(image, lambda pixels: np.array([(3, 3), (3.5, 3), (3.5, 60), (3, 60)])) is None


@pytest.mark.parametrize("found", [[1, 2], np.full((4, 2), np.nan), "corners", [[0, 0], [1, 0], [1, 1]]])
def test_anything_but_four_corners_is_an_error(found):
    with pytest.raises(ValueError):
        find_corners(png(quarters(64)), lambda pixels: found)


def test_corners_far_beyond_the_image_take_no_more_memory():
    far = find_corners(png(quarters(64)), lambda pixels: np.array([(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)]))
    assert np.abs(far).max() <= 2
    assert decode_cropped(png(quarters(64)), 8, 8, far).shape == (8, 8, 3)


def test_an_image_that_cannot_be_read_says_why():
    with pytest.raises(UnreadableImage, match="empty"):
        find_corners(b"", find_bright)
