"""Kinds of images by simple measures: small, dark, blurred, with glare, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_THIRDS = {
    "pixels": ("small", "large"),
    "brightness_p99": ("dark", "bright"),
    "contrast": ("low contrast", "high contrast"),
    "sharpness": ("blurred", "sharp"),
    "colourfulness": ("pale", "colourful"),
}
"""Names for the lowest and the highest third of each measure."""
SATURATED = 0.99
"""The brightness (0..1) that at least 1 % of the pixels reach in an image with glare."""


@dataclass(frozen=True, eq=False)
class Look:
    """A kind of images. members: bool (n_items,)."""

    name: str
    members: np.ndarray


def looks(items: pd.DataFrame) -> Iterator[Look]:
    """The kinds of images in rows of a dataset's table; a measure whose thirds coincide is skipped."""
    measures = {name: items[name].to_numpy(dtype=float) for name in _THIRDS if name in items.columns}
    if {"width", "height"} <= set(items.columns):
        measures["pixels"] = (items["width"] * items["height"]).to_numpy(dtype=float)
    for name, (lowest, highest) in _THIRDS.items():
        values = measures.get(name)
        if values is None or not len(values):
            continue
        lower, upper = np.quantile(values, [1 / 3, 2 / 3])
        if lower < upper:
            yield Look(lowest, values <= lower)
            yield Look(highest, values > upper)
    glare = measures.get("brightness_p99", np.zeros(0)) >= SATURATED
    if 0 < glare.sum() < len(glare) / 2:
        yield Look("with glare", glare)
