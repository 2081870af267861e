"""A sheet has each image in its place, enlarged by whole pixels."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from autotl.autoencoding.sheets import sheet


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_small_images_are_enlarged_pixel_by_pixel():
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    page = opened(sheet([images[:2], images[2:]]))
    assert page.shape == (2 * 66 - 2, 2 * 66 - 2, 3)
    assert (page[:64:2, :64:2] == images[0]).all()
    assert (page[1:64:2, 67:130:2] == images[1]).all()
    assert (page[66:130:2, :64:2] == images[2]).all()
    assert (page[66:, 66:] == 255).all()


def test_large_images_stay_as_they_are():
    images = np.zeros((1, 96, 96, 3), dtype=np.uint8)
    assert opened(sheet([images])).shape == (96, 96, 3)
