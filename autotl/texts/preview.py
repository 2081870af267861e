"""The beginning of a text, as reports and the app show it."""

from __future__ import annotations

import html
import re
from pathlib import Path

from autotl.texts.files import read_text_file
from autotl.texts.reading import UnreadableText

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


def escaped_excerpt(text: str, most: int = PREVIEW_CHARACTERS) -> str:
    """As `excerpt`, escaped for HTML."""
    return html.escape(excerpt(text, most))


def excerpt_of_file(path: Path, most: int = PREVIEW_CHARACTERS) -> str:
    """As `excerpt`, of a file; empty where it cannot be read as a text."""
    try:
        return excerpt(read_text_file(path), most)
    except UnreadableText:
        return ""
