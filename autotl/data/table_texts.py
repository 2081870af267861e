"""Texts stored in a table's cells: which column holds them, and a file for each below the cache."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from autotl.cache.content_folders import new_folder, unpacked_once
from autotl.data.column_words import called, without_missing
from autotl.data.named_files import RowFiles, row_name
from autotl.data.note import Note
from autotl.data.table_images import sample
from autotl.data.tables import holds_bytes
from autotl.runtime.progress import OnProgress

TEXT_COLUMNS = (
    "text", "texts", "comment", "comments", "comment_text", "body", "message", "message_text", "review", "reviews",
    "review_text", "reviewtext", "review_body", "tweet", "tweet_text", "full_text", "content", "post", "sentence",
    "statement", "document", "doc", "article", "email", "e_mail", "mail", "sms", "utterance", "transcript", "answer",
    "response", "feedback", "complaint", "narrative", "verbatim", "selftext", "raw_text", "clean_text", "text_body",
    "texte", "testo", "texto", "kommentar", "nachricht",
)  # fmt: skip
"""Common names of a column of texts."""
_LONGISH = 20
"""Characters: most texts have more, and most labels fewer."""
_FEWEST_WORDS = 3
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of scripts that do not part words by spaces: each counts as a word."""


def text_columns(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Those of the columns that have a common name of a column of texts, and hold texts of some length."""
    return [name for name in called(TEXT_COLUMNS, columns) if is_longish(frame[name])]


def is_longish(column: pd.Series) -> bool:
    """Whether most cells of a column are several words and at least 20 characters."""
    if holds_bytes(column):
        return False
    cells = sample(column).tolist()
    longish = [text for text in cells if len(text) >= _LONGISH and _n_words(text) >= _FEWEST_WORDS]
    return 2 * len(longish) > len(cells)


def _n_words(text: str) -> int:
    return len(text.split()) + len(_WITHOUT_SPACES.findall(text))


def write_texts(column: pd.Series, table: Path, cache: Path, progress: OnProgress | None) -> RowFiles:
    """Write the texts in a column to UTF-8 files below the cache, once per content of the table."""
    texts = column.where(without_missing(column) != "", "").tolist()

    def write(folder: Path) -> dict[str, str]:
        reasons = {}
        with new_folder(folder) as temporary:
            for number, text in enumerate(texts, start=1):
                name = row_name(number, len(texts)) + ".txt"
                reasons[name] = "" if text else "the row contains no text"
                if text:
                    (temporary / name).write_bytes(text.encode(errors="replace"))
                if progress:
                    progress(number, len(texts))
        return reasons

    # Another version may find other rows in the same file.
    digest = hashlib.sha256("\0".join(texts).encode(errors="replace")).hexdigest()
    unpacked = unpacked_once(table, cache, write, part=f"texts of {column.name}: {digest}")
    return RowFiles(
        unpacked.folder, list(unpacked.notes), list(unpacked.notes.values()), _notes(texts, str(column.name))
    )


def _notes(texts: Sequence[str], column: str) -> tuple[Note, ...]:
    """What there is to tell about rows without a text."""
    empty = [number for number, text in enumerate(texts, start=1) if not text]
    if not empty:
        return ()
    return (
        Note(
            f"{len(empty):,} of {len(texts):,} rows have no text and are skipped: their {column!r} is empty or a word "
            f"for no value, such as in row {empty[0]}",
            "Fill in the texts, or delete these rows.",
        ),
    )
