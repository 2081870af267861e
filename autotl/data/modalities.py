"""The kinds of items that a dataset may hold, by name."""

from __future__ import annotations

from autotl.images.modality import IMAGES
from autotl.modality import Modality
from autotl.texts.modality import TEXTS

MODALITIES = {one.name: one for one in (IMAGES, TEXTS)}
"""Every kind of item."""


def modality_named(name: str) -> Modality:
    """The kind of item of this name."""
    return MODALITIES[name]
