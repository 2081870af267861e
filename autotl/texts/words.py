"""The words of a text, as facts count them and near-duplicates compare them."""

from __future__ import annotations

import re

# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana, and Chinese characters.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; in scripts without spaces each character is one."""
    return _WORD.findall(text.lower())
