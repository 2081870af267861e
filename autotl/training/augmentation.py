"""Altered copies of training images: shifted, zoomed, flipped."""

from __future__ import annotations

import numpy as np

SHIFT, ZOOM, MARGIN = 0.08, 0.1, 0.15
"""Shares of the edge. The margin, filled with the pixels of the edge, is more than a shift and a zoom can show."""


def altered(images: np.ndarray, items: np.ndarray, view: int, *, seed: int) -> np.ndarray:
    """Images flipped, shifted and zoomed a little; the same for the same seed, item and view. View 0: as they are.

    images: uint8 (n, height, width, 3); items: int (n,).
    """
    if view == 0:
        return images
    return np.stack(
        [_alter(im, np.random.default_rng((seed, int(i), view))) for im, i in zip(images, items, strict=True)]
    )


def _alter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from PIL import Image

    height, width = image.shape[:2]
    if rng.random() < 0.5:
        image = image[:, ::-1]
    y, x = int(np.ceil(MARGIN * height)), int(np.ceil(MARGIN * width))
    padded = np.pad(image, ((y, y), (x, x), (0, 0)), mode="edge")
    scale = 1 + rng.uniform(-ZOOM, ZOOM)
    down, right = rng.uniform(-SHIFT, SHIFT, 2)
    top, left = y + height * ((1 - scale) / 2 + down), x + width * ((1 - scale) / 2 + right)
    box = (left, top, left + scale * width, top + scale * height)
    return np.asarray(Image.fromarray(padded).resize((width, height), Image.Resampling.BILINEAR, box=box))
