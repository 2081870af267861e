"""What texts and their files are called."""

from __future__ import annotations

import re

from autotl.item_kind import ItemKind

TEXTS = ItemKind(
    "text",
    "texts",
    frozenset({".txt", ".text", ".md", ".markdown", ".eml", ".html", ".htm"}),
    re.compile(
        r"(?:readme|licen[cs]e|copying|changelog|contributing|authors|citation|requirements)\b.*", re.IGNORECASE
    ),
)
