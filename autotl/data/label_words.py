"""The labels in a column of a table, as text: which cells hold none, and numbers written in one way."""

from __future__ import annotations

import pandas as pd

from autotl.data.column_words import DOUBTFUL_WORDS, without_missing
from autotl.data.note import Note
from autotl.runtime.wording import listed


def label_text(column: pd.Series) -> pd.Series:
    """The labels as text without spaces around them and with accents written in one way, empty where there is none."""
    text = without_missing(column).str.normalize("NFC")
    filled = text[text != ""]
    # Programs write whole numbers with decimals where the column has gaps; three zeros after a comma are thousands.
    if len(filled) and filled.str.fullmatch(r"[+-]?\d+([.]0*|,(0{0,2}|0{4,}))?").all():
        return text.str.extract(r"^([+-]?\d*)", expand=False)
    return text


def place_of(column: pd.Series, number: int) -> str:
    """Where the cell of this number, from 0, is: "row 3", or the item's path where these are the column's index."""
    name = column.index[number]
    return repr(name) if isinstance(name, str) else f"row {number + 1}"


def label_notes(column: pd.Series, table: str) -> tuple[Note, ...]:
    """What there is to tell about the words in a column of labels."""
    text, notes = column.astype(str).str.strip(), []
    missing = text[(without_missing(column) == "") & (text != "")]
    if len(missing):
        notes.append(
            Note(
                f"{len(missing):,} of {len(text):,} rows of {table} have no label: their {column.name!r} is "
                f"{listed(map(repr, missing.unique()))}, which is read as no value",
                "Give the class another name if it is one, such as 'not applicable'.",
            )
        )
    lists = text[text.str.startswith("[") & text.str.endswith("]")]
    if 2 * len(lists) > len(text):
        notes.append(
            Note(
                f"the column {column.name!r} of {table} holds lists, such as {lists.iloc[0][:80]!r}, each of which is "
                "read as one class",
                "To learn each label by itself, add --target labels.",
            )
        )
    doubtful = text[text.str.lower().isin(DOUBTFUL_WORDS)]
    if len(doubtful):
        named = [f"{word!r} ({n:,} rows)" for word, n in doubtful.value_counts().items()]
        notes.append(
            Note(
                f"{listed(named)} in the column {column.name!r} of {table} is read as a class",
                "Leave these cells empty if they mean that there is no label.",
            )
        )
    return tuple(notes)
