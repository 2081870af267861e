"""Why an image that a viewer shows is blank once it is decoded: too few bits, or white on a transparent ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageFile

from autotl.images.decoder import ImageSource, UnreadableImage, open_header, reserve_memory

DEEP = 65_535
_FEW_BITS = 16_384
"""Above 14 bits the values use at least a quarter of what 16 bits can hold."""
_NEARLY_WHITE = 240


@dataclass(frozen=True)
class BlankReason:
    """Why an image is blank. highest: of its values, 0 to 65,535, where it uses few of its 16 bits."""

    kind: Literal["few bits", "transparent"]
    highest: int = 0

    @property
    def bits(self) -> int:
        """The number of bits that cameras and scanners use for such values."""
        return next(bits for bits in (8, 10, 12, 14) if self.highest < 2**bits)


def why_blank(source: ImageSource) -> BlankReason | None:
    """Why an image comes out blank or dark; None if its pixels are simply like that, or it cannot be read."""
    try:
        with open_header(source) as image:
            deep = image.mode.startswith("I") or ";16" in _raw_mode(image)
            with reserve_memory(image, source, (1, 1)):
                image.load()
                highest = _highest(image) if deep else DEEP
                if highest < _FEW_BITS:
                    return BlankReason("few bits", highest)
                return BlankReason("transparent") if _white_on_transparent(image) else None
    except UnreadableImage:
        return None


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """How the pixels are stored, such as "RGB;16B", which Pillow reads with 8 bits; empty where it is not known."""
    arguments = image.tile[0][3] if image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _highest(image: Image.Image) -> int:
    if image.mode.startswith("I"):
        return int(image.getextrema()[1])  # type: ignore[arg-type]  # one band
    return max(int(high) for _, high in image.convert("RGB").getextrema()) * 257  # type: ignore[misc]  # three bands


def _white_on_transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    pixels = np.asarray(image.convert("RGBA"))
    seen = pixels[..., 3] > 0
    return bool(seen.any() and not seen.all() and pixels[seen][:, :3].min() >= _NEARLY_WHITE)
