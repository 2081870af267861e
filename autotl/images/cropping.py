"""Images cut to what a crop finds in them; an exported model carries a copy of this file, and of the crop's own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autotl.images.decoder import ImageSource, decode, open_image

CROPPING_VERSION = 1
"""Changes whenever the same corners would give other pixels; caches record it."""
CROP_DOCUMENT, CROP_MODULE = "crop.json", "crop.py"
LONGEST_EDGE = 640
"""Of the image in which the crop looks, in pixels."""
_FARTHEST = 1.0
"""Corners may lie so many widths and heights of the image beyond it; the pixels at its edge are repeated there."""
Find: TypeAlias = Callable[[NDArray[np.uint8]], Any]
"""Pixels uint8 (height, width, 3) -> corners (4, 2) in pixels, or None; see `autotl.crops.Crop`."""


def open_crop(folder: Path) -> Find:
    """The crop that `crop.json` in a folder describes; it runs the crop's own file: only do this if you trust it."""
    document = json.loads((folder / CROP_DOCUMENT).read_text(encoding="utf-8"))
    file = folder / CROP_MODULE
    module: dict[str, Any] = {"__name__": "autotl_crop", "__file__": str(file)}
    exec(compile(file.read_bytes(), str(file), "exec"), module)
    find: Find = module["open"]({name: (folder / kept).read_bytes() for name, kept in document["files"].items()})
    return find


def find_corners(source: ImageSource, find: Find) -> NDArray[np.float32] | None:
    """The corners of what a crop finds, float32 (4, 2), as shares of width and height; None if there is nothing.

    Raises UnreadableImage, and ValueError if the crop returns something else.
    """
    image = open_image(source, at_least=(LONGEST_EDGE, LONGEST_EDGE))
    if max(image.size) > LONGEST_EDGE:
        scale = LONGEST_EDGE / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BICUBIC)
    found = find(np.array(image, np.uint8))
    if found is None:
        return None
    corners = np.asarray(found, np.float64)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise ValueError(f"the crop returned corners of shape {corners.shape}; expected 4 finite pairs (x, y), or None")
    if min(_edges(corners)) < 1:
        return None
    shares = np.clip(corners / np.array(image.size), -_FARTHEST, 1 + _FARTHEST)
    return np.asarray(shares, np.float32)


def decode_cropped(
    source: ImageSource, height: int, width: int, corners: NDArray[np.float32] | None
) -> NDArray[np.uint8]:  # fmt: skip
    """As `decode`, of the part between the corners, which is turned upright.

    corners: see `find_corners`; None for the whole image.
    """
    if corners is None:
        return decode(source, height, width)
    share = np.maximum(np.ptp(np.asarray(corners, np.float64), axis=0), 1e-3)
    image = open_image(source, at_least=(math.ceil(2 * height / share[1]), math.ceil(2 * width / share[0])))
    return _cut(image, np.asarray(corners, np.float64) * np.array(image.size), height, width)


def _cut(image: Image.Image, corners: NDArray[np.float64], height: int, width: int) -> NDArray[np.uint8]:
    """The pixels between corners, uint8 (height, width, 3)."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    inside = bool((low >= 0).all() and (high <= np.array(image.size)).all())
    upright = np.array([low, (high[0], low[1]), high, (low[0], high[1])])
    if inside and np.abs(corners - upright).max() < 0.5:
        box = (*low.tolist(), *high.tolist())
        return np.array(image.resize((width, height), Image.Resampling.BICUBIC, box=box), np.uint8)
    image, corners = _around(image, corners)
    across, down = _edges(corners)
    # Shrunk first, since what turns it reads four pixels for each, however many there are.
    scale = min(1.0, max(width / across, height / down))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    corners = corners * np.array(size) / np.array(image.size)
    image = image.resize(size, Image.Resampling.BICUBIC)
    top_left, top_right, bottom_right, bottom_left = corners.tolist()
    data = (*top_left, *bottom_left, *bottom_right, *top_right)
    turned = image.transform((width, height), Image.Transform.QUAD, data, Image.Resampling.BICUBIC)
    return np.array(turned, np.uint8)


def _around(image: Image.Image, corners: NDArray[np.float64]) -> tuple[Image.Image, NDArray[np.float64]]:
    """The part of an image around corners, its edge repeated where they lie beyond it, and the corners in it."""
    left, top = np.floor(corners.min(axis=0)).astype(int) - 2
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 2
    columns = np.clip(np.arange(left, right), 0, image.width - 1)
    rows = np.clip(np.arange(top, bottom), 0, image.height - 1)
    return Image.fromarray(np.array(image, np.uint8)[rows[:, None], columns]), corners - np.array([left, top])


def _edges(corners: NDArray[np.float64]) -> tuple[float, float]:
    """The mean lengths of the upper and lower edge, and of the left and right one."""
    top_left, top_right, bottom_right, bottom_left = corners
    across = (np.linalg.norm(top_right - top_left) + np.linalg.norm(bottom_right - bottom_left)) / 2
    down = (np.linalg.norm(bottom_left - top_left) + np.linalg.norm(bottom_right - top_right)) / 2
    return float(across), float(down)
