"""A step before the backbone: the part of an image that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Crop:
    """Finds the part of an image that the backbone sees.

    module: a self-contained Python file, which exported models carry a copy of. It imports nothing but the standard
        library, NumPy, Pillow and ONNX Runtime, and holds `open(files) -> find`, where files are the contents of
        `files` by name, and `find(pixels) -> corners`: pixels uint8 (height, width, 3), upright, with edges of at most
        640 pixels; corners (4, 2), x and y in these pixels, of the top left, top right, bottom right and bottom left of
        what is cut out, which may be turned and reach beyond the image; None if nothing was found: the whole image is
        then used, and that is counted. It is called from several threads at once.
    files(): what the module reads, such as weights: contents by name. Raises WeightsError if something is missing.
    purpose: what it is for, in a few words. source, licence, commercial: of the weights, as of an `Encoder`.
    default: whether every search of images tries it; else only one that asks for it by name.
    """

    name: str
    module: Path
    files: Callable[[], Mapping[str, bytes]] = lambda: {}  # noqa: PIE807, `dict` would be taken for a class
    purpose: str = ""
    source: str = ""
    licence: str = ""
    commercial: bool = True
    default: bool = False
