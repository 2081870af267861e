"""The images as they are read: upright, at the size that was asked for, with their proportions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autotl.errors import ConfigError
from autotl.style_transfer.pixels import read_pixels


@pytest.mark.parametrize(("size", "expected"), [((400, 200), (32, 64, 3)), ((30, 40), (64, 48, 3))])
def test_the_longer_side_gets_the_size_and_the_proportions_stay(tmp_path: Path, size, expected):
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "a.png")
    pixels = read_pixels(tmp_path / "a.png", 64, role="content")
    assert (pixels.shape, pixels.dtype) == (expected, np.uint8)
    assert np.unique(pixels.reshape(-1, 3), axis=0).tolist() == [[10, 200, 30]]


def test_an_image_is_turned_upright(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (100, 50)).save(tmp_path / "a.jpg", exif=exif)
    assert read_pixels(tmp_path / "a.jpg", 100, role="content").shape == (100, 50, 3)


def test_grey_and_transparent_images_become_colour_on_white(tmp_path: Path):
    Image.new("LA", (40, 40), (0, 0)).save(tmp_path / "a.png")
    assert (read_pixels(tmp_path / "a.png", 40, role="style") == 255).all()


def test_what_is_no_image_is_named_with_its_role(tmp_path: Path):
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(ConfigError, match=r"the style image .*a.png cannot be read: .* Give another file"):
        read_pixels(tmp_path / "a.png", 64, role="style")


def test_a_strip_is_too_narrow(tmp_path: Path):
    Image.new("RGB", (400, 20)).save(tmp_path / "a.png")
    with pytest.raises(ConfigError, match="would be 256 pixels wide and 13 high at --size 256; expected at least 32"):
        read_pixels(tmp_path / "a.png", 256, role="content")
