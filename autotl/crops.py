"""A step before the backbone: the part of an image that is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Crop:
    """Finds the part of an image that the backbone sees.

    module: a self-contained Python file, which exported models carry a copy of. It imports nothing but NumPy, Pillow
        and ONNX Runtime, and holds `open(folder) -> find`, where the folder holds copies of `files`, and
        `find(pixels) -> corners`: pixels uint8 (height, width, 3), upright; corners float (4, 2), x and y in pixels, of
        the top left, top right, bottom right and bottom left of what is cut out, which may be turned; None if nothing
        was found: the whole image is then used, and that is counted.
    files: what the module reads, such as weights. version: changes whenever the same image would be cropped otherwise.
    purpose: what it is for, in a few words. source, licence, commercial: of the weights, as of an `Encoder`.
    default: whether every search of images tries it; else only one that asks for it by name.
    """

    name: str
    module: Path
    files: tuple[Path, ...] = ()
    version: str = "1"
    purpose: str = ""
    source: str = ""
    licence: str = ""
    commercial: bool = True
    default: bool = False
