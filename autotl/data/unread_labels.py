"""Tables beside class folders that hold other labels than the names of the folders."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from autotl.data.column_words import IMAGE_COLUMNS, LABEL_COLUMNS, called
from autotl.data.label_words import label_text
from autotl.data.note import Note
from autotl.data.tables import column_names, holds_bytes, read_table
from autotl.errors import DatasetError
from autotl.runtime.wording import listed


def about_unread_labels(path: Path, classes: Collection[str]) -> Note | None:
    """What to tell of a table whose labels are not learned, because the folders are taken for the classes.

    None if it names no images or has no column of labels, or if its labels are those of the folders.
    """
    columns = column_names(path)
    named = called(LABEL_COLUMNS, columns)
    if not named or not called(IMAGE_COLUMNS, columns):
        return None
    try:
        column = read_table(path)[named[0]]
    except DatasetError:
        return None
    if holds_bytes(column):
        return None
    others = sorted(set(label_text(column)) - {"", *classes})
    if not others:
        return None
    return Note(
        f"{path.name} has other labels in its column {named[0]!r} ({listed(others, most=5)}) than the folders, which "
        "are taken for the classes",
        f"If these are the classes, add --label {named[0]}.",
    )
