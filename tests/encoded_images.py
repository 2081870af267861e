"""Images as the bytes of a file."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

HEIC = Path(__file__).parent / "data" / "tiny.heic"
"""Blue left, red right; EXIF Model "TestCam"."""


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of an image as a file of this kind, such as "PNG"."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
