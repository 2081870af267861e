"""The one decoder: training, the pages and every exported model turn an image file into the same pixels.

Formats: JPEG, PNG, WEBP, BMP, TIFF and GIF (the first frame or page). The EXIF orientation is applied, colour
profiles are not; transparency is laid on white; 16-bit grey is scaled to 8 bits. Everything else is refused.

An exported model carries a copy of this file, so it imports the standard library, numpy and Pillow, nothing more.
"""

from __future__ import annotations

import io
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

DECODER_VERSION = 1
"""Changes whenever the same file would give other pixels, so that caches and models can tell."""

MAX_PIXELS = 89_478_485
"""Most pixels decoded at once (Pillow's own mark for a decompression bomb: 256 MiB as RGB)."""

ImageSource: TypeAlias = bytes | Path | str

# Opened by class and not by `Image.open`: that would try formats nobody asked for, and judge a photo of
# 108 megapixels by its full size although a JPEG is decoded at a fraction of it.
_OPENERS: tuple[tuple[re.Pattern[bytes], type[ImageFile.ImageFile]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    (re.compile(rb"BM"), BmpImagePlugin.BmpImageFile),
    (re.compile(rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"), TiffImagePlugin.TiffImageFile),
    (re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
)
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImage(ValueError):  # noqa: N818, it names the case and not the fault
    """A file that cannot be turned into pixels; the message is the plain reason, without the file's name."""


def decode(source: ImageSource, height: int, width: int) -> NDArray[np.uint8]:
    """Read an image file into the pixels a model sees.

    source: the file's bytes, or its path. Returns uint8 (height, width, 3), RGB, upright, squashed to the size
    with an antialiased bicubic filter. Raises UnreadableImage.
    """
    image = open_image(source, at_least=(2 * height, 2 * width))
    # A gap of 3 cannot be told from the exact filter, and shrinks a large picture several times faster.
    return np.array(image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0), dtype=np.uint8)


def thumbnail(source: ImageSource, edge: int) -> bytes:
    """Shrink an image file to JPEG bytes whose longer edge is at most `edge` pixels; raises UnreadableImage."""
    image = open_image(source, at_least=(2 * edge, 2 * edge))
    image.thumbnail((edge, edge), Image.Resampling.BICUBIC)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue()


def image_size(source: ImageSource) -> tuple[int, int]:
    """Tell (width, height) in pixels, upright, from the header alone; raises UnreadableImage."""
    with _opened(source) as image:
        turned = _orientation(image) >= 5 and not isinstance(image, TiffImagePlugin.TiffImageFile)
        return image.size[::-1] if turned else image.size


def open_image(source: ImageSource, *, at_least: tuple[int, int] | None = None) -> Image.Image:
    """Open an image file: upright, RGB, in memory.

    at_least: (height, width) below which a JPEG must not be reduced while it is decoded (to a half, a quarter or
    an eighth); None decodes at full size. Raises UnreadableImage.
    """
    with _opened(source) as image:
        pixels = image.width * image.height
        if isinstance(image, JpegImagePlugin.JpegImageFile) and at_least is not None:
            height, width = at_least[::-1] if _orientation(image) >= 5 else at_least
            image.draft(None, (width, height))
            if "progressive" not in image.info:  # a progressive file is held at full size whatever the scale
                pixels = image.width * image.height
        if pixels > MAX_PIXELS:
            found, limit = round(pixels / 1e6), round(MAX_PIXELS / 1e6)
            raise UnreadableImage(f"it has {found} megapixels to decode, and the limit is {limit}")
        image.load()
        # Loaded first, because a PNG may hold its orientation at its end, and a TIFF turns itself.
        turn = _UPRIGHT.get(_orientation(image))
        return _rgb(image if turn is None else image.transpose(turn))


@contextmanager
def _opened(source: ImageSource) -> Iterator[ImageFile.ImageFile]:
    """Read the header; whatever goes wrong here or in the block becomes an UnreadableImage."""
    try:
        if isinstance(source, bytes):
            file: BinaryIO = io.BytesIO(source)
        elif stat.S_ISREG(Path(source).stat().st_mode):  # a pipe would block for ever
            file = Path(source).open("rb")  # noqa: SIM115, closed below
        else:
            raise UnreadableImage("it is not a file")
        with file:
            start = file.read(16)
            file.seek(0)
            opener = next((opener for magic, opener in _OPENERS if magic.match(start)), None)
            if opener is None:
                found = "not a JPEG, PNG, WEBP, BMP, TIFF or GIF image" if start else "empty (0 bytes)"
                raise UnreadableImage(f"it is {found}")
            _hush_metadata_warnings()
            yield opener(file)
    except (UnreadableImage, MemoryError):
        raise
    except FileNotFoundError:
        raise UnreadableImage("there is no such file") from None
    except PermissionError:
        raise UnreadableImage("it may not be read (permission denied)") from None
    # Decoders meet hostile bytes with almost any exception: OSError, SyntaxError, ValueError, struct.error, ...
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UnreadableImage(f"it is damaged, cut short or of a kind not supported ({reason})") from error


def _orientation(image: ImageFile.ImageFile) -> int:
    if isinstance(image, PngImagePlugin.PngImageFile) and "exif" not in image.info:
        return 1  # `getexif` would decode the whole picture to look for it
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return 1
    return value if isinstance(value, int) else 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise UnreadableImage("its 32-bit pixels have no known range; save it with 8 or 16 bits")
        # Pillow would clip at 255.
        return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise UnreadableImage("its floating-point pixels have no known range; save it with 8 or 16 bits")
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
    return image.convert("RGB")


def _hush_metadata_warnings() -> None:
    # Damaged EXIF and TIFF tags are common in the wild and change no pixel. The filter stays in place because
    # `warnings.catch_warnings` is not safe in threads, where most decoding happens.
    rule = ("ignore", None, UserWarning, re.compile(r"PIL\.(Tiff|Png|Jpeg)ImagePlugin"), 0)
    if rule not in warnings.filters:
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.(Tiff|Png|Jpeg)ImagePlugin")
