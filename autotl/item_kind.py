"""A kind of item: what it is called in sentences, and which names its files have."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class ItemKind:
    """A kind of item that files hold, such as the image.

    name: singular, such as "image"; plural: such as "images". suffixes: of its files, in lower case. documents: a
    pattern of names of such files that describe the data and are not items; None if there is none.
    """

    name: str
    plural: str
    suffixes: frozenset[str]
    documents: re.Pattern[str] | None = None

    def of(self, n: int) -> str:
        """So many of them in words, such as "1 image" or "2,000 images"."""
        return f"{n:,} {self.name if n == 1 else self.plural}"
