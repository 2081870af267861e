"""An image with the evidence for an answer drawn over it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

from autotl.images.decoder import ImageSource, open_image

EDGE = 320
FOR, AGAINST = (230, 97, 1), (53, 61, 168)
"""Orange and blue, which people with any colour blindness tell apart (ColorBrewer's PuOr)."""
_MOST_OPAQUE = 0.75
_FULL_AT = 99
"""Percentile of the evidence's size that is drawn at full strength, so that one cell does not hide the others."""
_FINEST = 28
"""Cells along each side that are drawn."""
_FADED = 0.45
"""How far the image is moved towards light grey, so that colours of its own are not taken for evidence."""


def overlay(source: ImageSource, found: np.ndarray, *, edge: int = EDGE) -> bytes:
    """Draw a map over its image: orange speaks for the answer, blue against it; PNG bytes.

    found: float (h, w), its corners those of the image. edge: pixels of the longer side. Raises UnreadableImage.
    """
    image = open_image(source, at_least=(edge, edge))
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
    """A map at the size (width, height) of its image, without the steps of its cells."""
    coarse = Image.fromarray(np.asarray(found, np.float32))
    # Single points of a fine map, of an early layer, are noise to the eye.
    seen = coarse.resize((min(coarse.width, _FINEST), min(coarse.height, _FINEST)), Image.Resampling.BOX)
    return np.asarray(seen.resize(size, Image.Resampling.BICUBIC), np.float32)
