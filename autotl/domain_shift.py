"""How far images lie from what a backbone was pretrained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from autotl.feature_sources import Size

Level: TypeAlias = Literal["near", "shifted", "far"]
SHIFTED = 0.2
"""Sets of photographs, paintings and drawings stay below it, grey ones too, and those that show one subject only."""
FAR = 0.3
"""Photographs darkened, blurred, made noisy or reduced to edges gave up to 0.27 at a backbone's own size, and
spectrograms, the nearest of the foreign sets, no less than 0.33. Close-ups of one texture lie about the mark."""


@dataclass(frozen=True)
class DomainShift:
    """The distance between a backbone's training data and some images, as its layers see them.

    overall: the mean over the layers; 0 for the training data itself, 1 if every channel's mean is one training
        deviation off, or no channel varies. by_depth: the means over the shallow, middle and deep third of the layers.
    """

    backbone: str
    size: Size
    overall: float
    by_depth: tuple[float, ...]
    n_images: int

    @property
    def level(self) -> Level:
        """What `overall` amounts to."""
        if self.overall < SHIFTED:
            return "near"
        return "shifted" if self.overall < FAR else "far"
