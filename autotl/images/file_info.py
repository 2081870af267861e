"""What an image file says about itself (format, size, EXIF fields), and small copies of it."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ExifTags, GifImagePlugin, Image, ImageFile, PngImagePlugin, TiffImagePlugin

from autotl.images.decoder import (
    FORMATS,
    MAGIC_BYTES,
    ImageSource,
    load_reduced,
    open_header,
    open_image,
    orientation_of,
    reserve_memory,
    upright_srgb,
)


@dataclass(frozen=True)
class ImageHeader:
    """What a file says about itself.

    format: "JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF" or "HEIF". mode: Pillow's name of the pixels as
    stored, such as "RGB", "L", "P", "RGBA", "CMYK" or "I;16". width, height: pixels, upright. frames: 1 or more;
    2 stands for "several" in GIF and TIFF, where counting them would mean reading the whole file.
    """

    format: str
    mode: str
    width: int
    height: int
    frames: int


def thumbnail(source: ImageSource, edge: int) -> bytes:
    """Shrink an image file to JPEG bytes whose longer edge is at most `edge` pixels; raises UnreadableImage."""
    image = open_image(source, at_least=(2 * edge, 2 * edge))
    image.thumbnail((edge, edge), Image.Resampling.BICUBIC)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue()


def read_header_and_image(source: ImageSource, edge: int) -> tuple[ImageHeader, Image.Image]:
    """Open a file once for all that a scan needs: the header, and a reduced image as `open_image` returns it.

    edge: pixels that the image's shorter side keeps at least, if it has them; it is less than twice that, except
    where the image is narrow. The whole file is decoded, so that damage is noticed. Raises UnreadableImage.
    """
    at_least = (edge, edge)
    with open_header(source) as image:
        size, frames = image.size, _frames(image)
        with reserve_memory(image, source, at_least):
            loaded = load_reduced(image, at_least)
            header = _header(image, size, frames)
            return header, upright_srgb(loaded)


def suffix_of(data: bytes) -> str:
    """The suffix of a file with these bytes, such as ".jpg"; empty where they are not an image of a known format."""
    return next((suffix for magic, suffix, _ in FORMATS if magic.match(data[:MAGIC_BYTES])), "")


def exif_value(source: ImageSource, name: str) -> str:
    """The text of an EXIF field such as "DateTimeOriginal", "Model" or "BodySerialNumber".

    Returns "" where the file has no such field or a damaged one. Raises UnreadableImage, and ValueError for an unknown
    field.
    """
    return exif_values(source, (name,))[0]


def exif_values(source: ImageSource, names: Sequence[str]) -> tuple[str, ...]:
    """The text of several EXIF fields, as `exif_value` gives that of one; the file is opened once."""
    for name in names:
        if name not in ExifTags.Base.__members__:
            near = difflib.get_close_matches(name, ExifTags.Base.__members__) or ["DateTimeOriginal", "Model"]
            raise ValueError(f"EXIF has no field {name!r}. Did you mean {' or '.join(near)}?")
    with open_header(source) as image:
        if isinstance(image, PngImagePlugin.PngImageFile) and "exif" not in image.info:
            with reserve_memory(image, source, (1, 1)):
                image.load()  # it may follow the pixels
        try:
            fields = image.getexif()
            more = fields.get_ifd(ExifTags.IFD.Exif)
            values = [fields.get(ExifTags.Base[name]) or more.get(ExifTags.Base[name], "") for name in names]
        except Exception:  # a damaged block counts as none
            return ("",) * len(names)
    return tuple(map(_text, values))


def _text(value: object) -> str:
    if isinstance(value, bytes):
        # A user comment begins with the name of its encoding.
        value = re.sub(rb"^(ASCII|UNICODE|JIS)\0+", b"", value).decode("utf-8", "replace")
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    return str(value).replace("\0", "").strip()


def _header(image: ImageFile.ImageFile, size: tuple[int, int], frames: int) -> ImageHeader:
    # Pillow turns a TIFF, and gives its upright size from the start.
    turned = not isinstance(image, TiffImagePlugin.TiffImageFile) and orientation_of(image) >= 5
    width, height = size[::-1] if turned else size
    return ImageHeader(str(image.format), image.mode, width, height, frames)


def _frames(image: ImageFile.ImageFile) -> int:
    if not isinstance(image, GifImagePlugin.GifImageFile | TiffImagePlugin.TiffImageFile):
        return int(getattr(image, "n_frames", 1))
    try:
        return 2 if image.is_animated else 1
    except Exception:  # what follows the first frame is damaged, and only the first one counts
        return 2
