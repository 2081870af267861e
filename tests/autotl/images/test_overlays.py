"""An image with the evidence drawn over it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from autotl.images.decoder import UnreadableImage
from autotl.images.overlays import overlay


def photo(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (120, 120, 120)).save(file, "PNG")
    return file.getvalue()


def drawn(width: int, height: int, found: np.ndarray, edge: int = 80) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(overlay(photo(width, height), found, edge=edge))).convert("RGB"), int)


def test_evidence_for_is_orange_and_against_is_blue_where_it_lies():
    found = np.zeros((8, 8))
    found[:2, :2], found[-2:, -2:] = 1, -1
    pixels = drawn(100, 100, found)
    red, _, blue = pixels[8, 8]
    assert red > blue + 60
    red, _, blue = pixels[-8, -8]
    assert blue > red + 60
    red, green, blue = pixels[40, 40]
    assert red == green == blue


def test_the_overlay_keeps_the_shape_of_the_image():
    assert drawn(200, 50, np.ones((7, 7))).shape == (20, 80, 3)
    assert drawn(20, 40, np.zeros((112, 112))).shape == (80, 40, 3)


def test_what_cannot_be_read_cannot_be_drawn_over():
    with pytest.raises(UnreadableImage):
        overlay(b"no image", np.zeros((4, 4)))
