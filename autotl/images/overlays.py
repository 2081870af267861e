"""Draws the evidence for an answer over its image."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from autotl.images.decoder import ImageSource, open_image

EDGE = 320
FOR, AGAINST = (230, 97, 1), (53, 61, 168)
"""Orange and blue, distinguishable with any colour blindness (ColorBrewer's PuOr)."""
_MOST_OPAQUE = 0.75
_FULL_AT = 99
"""Percentile of the absolute evidence that is drawn at full strength, so that one cell does not hide the others."""
_FINEST = 28
"""Most cells that are drawn along each side."""
_FADED = 0.45
"""How far the image is faded to light grey, so that its own shades are not mistaken for evidence."""


def overlay(source: ImageSource | np.ndarray, found: np.ndarray, *, edge: int = EDGE) -> bytes:
    """Draw a map over its image as PNG: orange supports the answer, blue speaks against it.

    source: a file, its bytes, or pixels uint8 (height, width, 3). found: float (h, w), covering the
    whole image. edge: pixels of the longer side. Raises UnreadableImage.
    """
    image = Image.fromarray(source) if isinstance(source, np.ndarray) else open_image(source, at_least=(edge, edge))
    width, height = image.size
    scale = edge / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = ImageOps.grayscale(image.resize(size, Image.Resampling.BICUBIC))
    base = np.asarray(grey, np.float32) * (1 - _FADED) + 235 * _FADED
    evidence = _smooth(found, size)
    largest = max(float(np.percentile(np.abs(evidence), _FULL_AT)), 1e-12)
    strength = np.clip(evidence / largest, -1, 1)[..., None]
    colour = np.where(strength > 0, FOR, AGAINST)
    opacity = _MOST_OPAQUE * np.abs(strength)
    drawn = base[..., None] * (1 - opacity) + colour * opacity
    png = io.BytesIO()
    Image.fromarray(np.clip(drawn, 0, 255).astype(np.uint8)).save(png, "PNG", optimize=True)
    return png.getvalue()


def _smooth(found: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map smoothly resized to the size (width, height) of its image."""
    coarse = Image.fromarray(np.asarray(found, np.float32))
    # Single points of a fine map, from an early layer, look like noise.
    seen = coarse.resize((min(coarse.width, _FINEST), min(coarse.height, _FINEST)), Image.Resampling.BOX)
    return np.asarray(seen.resize(size, Image.Resampling.BICUBIC), np.float32)
