"""The words of a text, as facts count them and near-duplicates compare them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana, and Chinese characters.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; in scripts without spaces each character is one."""
    return _WORD.findall(text.lower())


def run_hashes(words: Sequence[str], n: int) -> np.ndarray:
    """The hashes of all runs of n words, in their order, uint64 (max(0, len(words) - n + 1),)."""
    if len(words) < n:
        return np.zeros(0, np.uint64)
    codes = np.array([zlib.crc32(word.encode("utf-8", "replace")) for word in words], np.uint64)
    hashes = np.full(len(codes) - n + 1, np.uint64(n))
    for i in range(n):
        # An odd factor of 64 bits and a shift mix the bits (as SplitMix64 does).
        hashes = (hashes ^ codes[i : len(codes) - n + 1 + i]) * np.uint64(0x9E3779B97F4A7C15)
        hashes ^= hashes >> np.uint64(29)
    return hashes
