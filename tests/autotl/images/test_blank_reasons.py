"""An image that every viewer shows and that is blank here has a reason that can be told."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from autotl.images.blank_reasons import BlankReason, why_blank

GREY = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) % 255


def saved(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("factor", "bits"), [(1, 8), (4, 10), (16, 12), (60, 14)])
def test_few_of_sixteen_bits(kind: str, factor: int, bits: int) -> None:
    reason = why_blank(saved(Image.fromarray(GREY * factor), kind))
    assert reason == BlankReason("few bits", 254 * factor)
    assert reason.bits == bits


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_white_on_a_transparent_ground(mode: str) -> None:
    drawing = Image.new("LA", (64, 64), (255, 0))
    drawing.paste((250, 255), (10, 10, 40, 40))
    assert why_blank(saved(drawing.convert("RGBA" if mode == "PA" else mode))) == BlankReason("transparent")


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (64, 64), 3),
        Image.new("RGB", (64, 64), "white"),
        Image.new("RGBA", (64, 64), (255, 255, 255, 255)),
        Image.new("RGBA", (64, 64), (0, 0, 0, 0)),
        Image.fromarray(GREY * 257),
    ],
)
def test_nothing_is_said_of_other_images(image: Image.Image) -> None:
    assert why_blank(saved(image)) is None


def test_a_file_that_cannot_be_read_has_no_reason() -> None:
    assert why_blank(b"nothing") is None
