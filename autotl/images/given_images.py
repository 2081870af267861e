"""The images given to a model: one or many, in any container, each with its name and its place.

An exported model carries a copy of this file, with those that it imports.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image

from autotl.images.decoder import ImageSource, UnreadableImage, orientation_of
from autotl.runtime.given_items import is_missing

EXPECTED = "the path of an image, its bytes, a Pillow image or an array of its pixels"
_ONE = (str, bytes, bytearray, memoryview, os.PathLike, Image.Image)
_CHANNELS = (1, 3, 4)


class GivenImage(NamedTuple):  # a dataclass cannot be created in the module of an exported model
    """An image to classify.

    name: what its answer is called. image: a path, a file's bytes, a Pillow image or an array of pixels.
    problem: why there is no image; otherwise empty.
    """

    name: str
    image: Any = None
    problem: str = ""


def given_images(items: object) -> list[GivenImage]:
    """One entry per image, in the order in which a loop meets them; a single image is a list of one.

    A path is its own name; anything else is called "item 0", "item 1", ... by its place. A missing value (None, NaN or
    an empty path) has a problem in place of an image. Raises TypeError if something is not an image.
    """
    if _is_table(items):
        raise TypeError("items is a table; give its column of images, such as table['path']")
    if isinstance(items, Mapping):
        raise TypeError(f"items is a {type(items).__name__}; give its values, such as list(images.values())")
    if _is_one(items):
        return [_given(items, 0, "items")]
    things = np.asarray(items) if hasattr(items, "__array__") else items
    if isinstance(things, np.ndarray):
        things = _of_array(things)
    if isinstance(things, np.ndarray):
        return [_given(things, 0, "items")]
    if not isinstance(things, Iterable):
        raise TypeError(f"items is {_described(things)}; expected {EXPECTED}, or an iterable of them")
    return [_given(thing, place, f"items[{place}]") for place, thing in enumerate(things)]


def read_source(image: Any) -> ImageSource:
    """What the decoder reads: a path, or the bytes of a file; a Pillow image or an array becomes one in memory.

    Raises UnreadableImage.
    """
    if isinstance(image, bytes):
        return image
    if isinstance(image, np.ndarray):
        return _file_of(_pillow_image(image))
    if isinstance(image, Image.Image):
        return _file_of(image)
    return os.path.expanduser(str(image))  # noqa: PTH111, unlike Path's, it leaves the home of an unknown user as it is


def _is_table(items: object) -> bool:
    return hasattr(items, "columns") and hasattr(items, "__array__")


def _is_one(items: object) -> bool:
    return isinstance(items, _ONE) or hasattr(items, "read")


def _of_array(array: np.ndarray) -> list[Any] | np.ndarray:
    """What an array holds: objects, images on top of each other, or itself where it is one image."""
    if array.dtype.kind in "OSUT":
        return list(array.ravel().tolist())
    if array.size == 0 and array.ndim < 2:
        return []
    return list(array) if array.ndim == 4 else array


def _given(thing: Any, place: int, called: str) -> GivenImage:
    name = f"item {place}"
    if isinstance(thing, str | os.PathLike):
        path = os.fsdecode(thing)
        return GivenImage(path, path) if path else GivenImage(name, problem="its path is empty")
    if isinstance(thing, bytearray | memoryview):
        return GivenImage(name, bytes(thing))
    if isinstance(thing, bytes | Image.Image):
        return GivenImage(name, thing)
    if hasattr(thing, "read"):
        content = thing.read()
        if not isinstance(content, bytes):
            raise TypeError(f"{called} is a file that is open for text; open it with mode 'rb', or give its path")
        return GivenImage(name, content)
    if is_missing(thing):
        return GivenImage(name, problem="it is missing")
    if hasattr(thing, "__array__") and not _is_table(thing):
        return GivenImage(name, _pixels(np.asarray(thing), called))
    raise TypeError(f"{called} is {_described(thing)}; expected {EXPECTED}")


def _pixels(array: np.ndarray, called: str) -> np.ndarray:
    """An array of shape (height, width) or (height, width, 3 or 4); TypeError for any other."""
    known = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in _CHANNELS)
    if not known or array.size == 0 or array.dtype.kind not in "buif":
        hint = ""
        if array.ndim == 3 and array.shape[0] in _CHANNELS and array.size:
            hint = "; its channels come first, so give array.transpose(1, 2, 0)"
        raise TypeError(
            f"{called} is an array of {array.dtype} and shape {array.shape}; expected numbers of shape "
            f"(height, width), (height, width, 3) or (height, width, 4){hint}"
        )
    return array


def _pillow_image(array: np.ndarray) -> Image.Image:
    """Pixels as an image: whole numbers from 0 to 255, 16-bit numbers, or fractions from 0 to 1."""
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype == np.uint16:
        array = array >> 8
    elif array.dtype.kind == "f":
        _require_range(array, 1, "fractions from 0 to 1 (or whole numbers from 0 to 255, as uint8)")
        array = np.round(array.astype(np.float32) * 255)
    else:
        _require_range(array, 255, "whole numbers from 0 to 255")
    channels = array.shape[2] if array.ndim == 3 else 1
    flat = array.reshape(array.shape[:2]) if channels == 1 else array
    return Image.fromarray(np.ascontiguousarray(flat, np.uint8))


def _require_range(array: np.ndarray, highest: int, expected: str) -> None:
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= highest):  # written so that NaN fails too
        raise UnreadableImage(f"its {array.dtype} pixels range from {low:g} to {high:g}; expected {expected}")


def _file_of(image: Image.Image) -> bytes:
    """An image as a file without loss, which is then read as any other: orientation, profile and transparency count."""
    try:
        image.load()
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation_of(image)
        profile = image.info.get("icc_profile")
        if image.has_transparency_data and image.mode not in ("LA", "RGBA"):
            image = image.convert("RGBA")
        if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"):
            image = image.convert("RGB")
        file = io.BytesIO()
        # Of a copy, because the writer would take over fields of an image that was itself a TIFF.
        image.copy().save(file, "TIFF", exif=exif, icc_profile=profile)
        return file.getvalue()
    except (OSError, ValueError, SyntaxError, MemoryError) as error:
        raise UnreadableImage(f"it is damaged, or closed ({error})") from error


def _described(thing: object) -> str:
    kind = type(thing).__name__
    text = repr(thing)
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}" + (f" ({text})" if len(text) <= 40 else "")
