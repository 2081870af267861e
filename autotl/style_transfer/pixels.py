"""The pixels of the two images, at the size at which they are worked on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from autotl.errors import ConfigError
from autotl.images.decoder import UnreadableImage, open_image
from autotl.images.safe_decode import decode_risk

LEAST_SIDE = 32
"""Deep stages of a narrower image would have a position or two."""


def read_pixels(file: Path, longer_side: int, *, role: str) -> np.ndarray:
    """An image with its longer side at so many pixels: uint8 (height, width, 3), RGB, upright.

    role: "content" or "style", for the message. Raises ConfigError where it cannot be read, or is too narrow.
    """
    try:
        if risk := decode_risk(file):
            raise UnreadableImage(risk)
        image = open_image(file, at_least=(2 * longer_side, 2 * longer_side))
    except UnreadableImage as error:
        raise ConfigError(f"the {role} image {file} cannot be read: {error}. Give another file.") from None
    scale = longer_side / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    if min(width, height) < LEAST_SIDE:
        raise ConfigError(
            f"the {role} image {file} would be {width} pixels wide and {height} high at --size {longer_side}; expected "
            f"at least {LEAST_SIDE} on each side. Give a larger --size, or cut the image."
        )
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.uint8)
