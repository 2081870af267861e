"""Facts about every text, read once per content: can it be decoded, how long is it, and in which language."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.cache.record_store import RecordStore
from autotl.runtime.progress import OnProgress
from autotl.texts.decoding import READER_VERSION, DecodedText
from autotl.texts.files import read_text_file_and_encoding
from autotl.texts.languages import language_of
from autotl.texts.near_duplicates import N_HASHES, signatures_of
from autotl.texts.reading import TEXT_FORMATS, UnreadableText
from autotl.texts.words import words_of

_VERSION = 1
"""Changes whenever the same text would give other facts."""
_LONGEST_LINE = 80
_FACTS = np.dtype(
    [
        ("format", "U8"), ("encoding", "U16"), ("n_characters", np.int32), ("n_words", np.int32), ("language", "U4"),
        ("first_line", f"U{_LONGEST_LINE}"),
    ]
)  # fmt: skip
_RECORD = np.dtype([("facts", _FACTS), ("signature", np.uint32, (N_HASHES,))])
FACT_COLUMNS = tuple(_FACTS.names or ())
_READ_AT_ONCE = 64
_KEPT_AT_ONCE = 64 * _READ_AT_ONCE


@dataclass(frozen=True)
class TextFacts:
    """The facts about some files.

    facts: one row per file, with the columns FACT_COLUMNS (0 or empty if the file is not a text).
    signatures: uint32 (n, 128), see `near_duplicates`. quarantine: why a file cannot be read, or empty; text (n,).
    """

    facts: pd.DataFrame
    signatures: np.ndarray
    quarantine: np.ndarray


def read_facts(
    root: Path, paths: np.ndarray, digests: np.ndarray, *, cache: Path, progress: OnProgress | None = None
) -> TextFacts:
    """Read files; those whose content is known are read from the cache.

    paths: relative to root. digests: SHA-256 of each file, bytes (n,).
    """
    forms = np.array([_format(path) for path in paths], dtype="S8")
    # Decoded by their suffix, so that the same bytes may give two texts.
    keys = np.char.add(digests.astype("S64"), forms) if len(paths) else np.zeros(0, "S72")
    keys, first, place = np.unique(keys, return_index=True, return_inverse=True)
    paths = paths[first]
    store = RecordStore(cache / "text-facts" / f"v{_VERSION}-d{READER_VERSION}", _RECORD)
    records, known = store.read(keys)
    reasons = np.full(len(paths), "", dtype=object)
    missing = np.flatnonzero(~known)
    for start in range(0, len(missing), _KEPT_AT_ONCE):
        part = missing[start : start + _KEPT_AT_ONCE]
        for begin in range(0, len(part), _READ_AT_ONCE):
            few = part[begin : begin + _READ_AT_ONCE]
            records[few], reasons[few] = _records([root / str(paths[i]) for i in few])
            if progress:
                progress(start + begin + len(few), len(missing))
        readable = part[reasons[part] == ""]
        if len(readable):
            store.append(keys[readable], records[readable])
    facts = pd.DataFrame({name: records["facts"][name][place] for name in FACT_COLUMNS})
    return TextFacts(facts, records["signature"][place], reasons.astype(str)[place])


def _format(path: str) -> str:
    return TEXT_FORMATS.get(os.path.splitext(path)[1].lower(), "txt")  # noqa: PTH122, Path objects take longer


def _records(paths: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """The record of each file, zero where it is not a text, and the reason why it is not, or empty; text (n,).

    One after the other: nearly all the time is spent in Python, which threads would only take turns in.
    """
    records = np.zeros(len(paths), dtype=_RECORD)
    reasons = np.full(len(paths), "", dtype=object)
    words: list[list[str]] = []
    for i, path in enumerate(paths):
        own: list[str] = []
        try:
            found = read_text_file_and_encoding(path)
        except UnreadableText as error:
            reasons[i] = str(error)
        else:
            own = words_of(found.text)
            records["facts"][i] = _facts(found, own, _format(path.name))
        words.append(own)
    records["signature"] = signatures_of(words)
    return records, reasons


def _facts(found: DecodedText, words: Sequence[str], form: str) -> tuple[str, str, int, int, str, str]:
    first_line = found.text.lstrip()[:_LONGEST_LINE].split("\n", 1)[0].strip()
    return form, found.encoding, len(found.text), len(words), language_of(words), first_line
