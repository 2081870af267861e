"""The beginning of a text, as reports and the app show it, which escape it as they do any text."""

from __future__ import annotations

import re

PREVIEW_CHARACTERS = 200
MOST_CHARACTERS = 50_000
"""Of a text that is shown as a whole: about 20 printed pages."""
_ENOUGH = 4
"""Spaces that are collapsed take up to three quarters of what is read; where they take more, a preview is shorter."""
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction of what stands after them, beyond the text itself."""


def excerpt(text: str, most: int = PREVIEW_CHARACTERS) -> str:
    """The first characters of a text on one line, cut at a word where possible, with "…" if there is more."""
    # One character beyond is kept, to see whether a word ends there.
    words = _DIRECTIONS.sub("", text[: _ENOUGH * most]).split()
    line = " ".join(words)
    if len(line) <= most and len(text) <= _ENOUGH * most:
        return line
    cut = line[: most + 1].rsplit(" ", 1)[0] if " " in line[: most + 1] else line
    return cut[:most].rstrip() + "…"


def whole_text(text: str) -> str:
    """A text with its lines as they are; of a very long one the beginning, with "…"."""
    text = _DIRECTIONS.sub("", text)
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS].rstrip() + "…"
