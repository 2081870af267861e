"""A crop made up for tests: the bright patch of an image, and a plugin that offers it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Crop

BRIGHT = """
import numpy as np


def open(files):
    least = int(files.get("least.txt", b"200"))

    def find(pixels):
        rows, columns = np.nonzero((pixels > least).all(axis=2))
        if not len(rows):
            return None
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])

    return find
"""


def write_crop(folder: Path, text: str = BRIGHT, name: str = "bright", **fields: Any) -> Crop:
    """A crop whose module holds a text."""
    folder.mkdir(parents=True, exist_ok=True)
    module = folder / f"{name}.py"
    module.write_text(text, encoding="utf-8")
    return Crop(name, module, **fields)


def crops_plugin(*crops: Crop, **hooks: Any) -> SimpleNamespace:
    """A plugin that offers crops, and what other hooks give."""
    return SimpleNamespace(__name__="theirs", register_crops=hookimpl(lambda: list(crops)), **hooks)


def framed(inner: np.ndarray, frame: tuple[int, int, int, int], *, fill: int = 30) -> np.ndarray:
    """An image with a dark frame around pixels, uint8; frame: its width at the top, right, bottom and left."""
    top, right, bottom, left = frame
    return np.pad(inner, ((top, bottom), (left, right), (0, 0)), constant_values=fill)
