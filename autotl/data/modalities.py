"""The kinds of items that a dataset may hold, by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from autotl.images.modality import IMAGES
from autotl.modality import Modality
from autotl.pairs.modality import PAIRS
from autotl.texts.modality import TEXTS

MODALITIES = {one.name: one for one in (IMAGES, TEXTS, PAIRS)}
"""Every kind of item."""
_LARGE = 4096
"""Room for all of a text, in pixels."""


def modality_named(name: str) -> Modality:
    """The kind of item of this name."""
    return MODALITIES[name]


def kinds_read(name: str) -> tuple[str, ...]:
    """The kinds of item that sources of features may read from such items: of their parts, if they are composed."""
    return modality_named(name).parts or (name,)


def composed_of(parts: Sequence[str]) -> str:
    """The kind of item that consists of these parts, in this order; empty if there is none."""
    return next((one.name for one in MODALITIES.values() if one.parts == tuple(parts)), "")


def common_kind(names: Collection[str]) -> str:
    """The kind of item of which these are all the kind itself or a part; empty if there is none."""
    wanted = set(names)
    if len(wanted) == 1:
        return next(iter(wanted))
    return next((one.name for one in MODALITIES.values() if wanted <= {one.name, *one.parts}), "")


def texts_to_read(name: str, files: Sequence[Path]) -> list[str]:
    """What people read of each item of this kind; empty if they look at the files. Unreadable ones have no text."""
    modality = modality_named(name)
    return [] if modality.has_pixels else [_whole(modality, file) for file in files]


def _whole(modality: Modality, file: Path) -> str:
    try:
        return modality.show(file, _LARGE).text
    except ValueError:
        return ""
