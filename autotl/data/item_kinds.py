"""The kinds of items as files: which names they have, and what they are called in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ItemKind:
    """A kind of item that files hold, such as the image.

    name, plural: those of its modality. suffixes: of its files, in lower case. documents: a pattern of names of such
    files that describe the data and are no items, None where there are none.
    """

    name: str
    plural: str
    suffixes: frozenset[str]
    documents: re.Pattern[str] | None = None

    def of(self, n: int) -> str:
        """So many of them in words, such as "1 image" or "2,000 images"."""
        return f"{n:,} {self.name if n == 1 else self.plural}"


IMAGES = ItemKind(
    "image",
    "images",
    frozenset(
        {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif",
         ".ppm", ".pgm", ".pbm", ".pnm"}
    ),
)  # fmt: skip
TEXTS = ItemKind(
    "text",
    "texts",
    frozenset({".txt", ".text", ".md", ".markdown", ".eml", ".html", ".htm"}),
    re.compile(
        r"(?:readme|licen[cs]e|copying|changelog|contributing|authors|citation|requirements)\b.*", re.IGNORECASE
    ),
)
KINDS = {kind.name: kind for kind in (IMAGES, TEXTS)}
"""Every kind of item by its name."""


def kind_of_files(paths: Iterable[str]) -> ItemKind:
    """The kind of items of a dataset, by the suffix of its first file; images where it has none."""
    first = next(iter(paths), "").lower()
    return next((kind for kind in KINDS.values() if first.endswith(tuple(kind.suffixes))), IMAGES)
