"""The kinds of items that files hold; light enough for whatever lists files."""

from __future__ import annotations

from collections.abc import Iterable

from autotl.clips.kind import CLIPS as CLIPS
from autotl.images.kind import IMAGES as IMAGES
from autotl.item_kind import ItemKind as ItemKind
from autotl.pairs.kind import PAIRS as PAIRS
from autotl.texts.kind import TEXTS as TEXTS

KINDS = {kind.name: kind for kind in (IMAGES, TEXTS, PAIRS, CLIPS)}
"""Every kind of item by its name."""


def kind_of_files(paths: Iterable[str]) -> ItemKind:
    """The kind of items of a dataset, by the suffix of its first file; images where it has none."""
    first = next(iter(paths), "").lower()
    return next((kind for kind in KINDS.values() if first.endswith(tuple(kind.suffixes))), IMAGES)
