"""Tables with one column per class, in which a mark says the class of each row (one-hot)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from autotl.data.column_words import FALSE_WORDS, IMAGE_COLUMNS, LABEL_COLUMNS, TRUE_WORDS, called, plain_name
from autotl.data.csv_text import first_row
from autotl.data.item_kinds import IMAGES, ItemKind
from autotl.data.label_lists import columns_of_labels, read_label_columns
from autotl.data.note import Note
from autotl.errors import DatasetError
from autotl.runtime.wording import listed


@dataclass(frozen=True)
class GivenLabels:
    """The labels in a table. columns: that give them. labels: one per row, empty where there is none."""

    columns: tuple[str, ...]
    labels: pd.Series
    notes: tuple[Note, ...] = ()


def read_one_hot(
    frame: pd.DataFrame, columns: Sequence[str], table: str, kind: ItemKind = IMAGES, *, several: bool = False
) -> GivenLabels | None:
    """The labels in columns that hold 0 and 1 (or false and true, or x); None if a column gives the labels.

    columns: that may be read. table: its name, kind: of its items, for messages. several: an item may have several
    labels, which are then texts as `targets.label_text` writes them. Raises DatasetError if a row is of several
    classes otherwise.
    """
    free = [name for name in columns if plain_name(name) not in IMAGE_COLUMNS]
    if several:
        return _read_several(frame, free, table)
    marked = {name: marks for name in free if (marks := _marks(frame[name])) is not None}
    named = called(LABEL_COLUMNS, columns)
    if len(marked) < 2 or any(name not in marked for name in named):
        return None
    classes = pd.DataFrame(marked)
    count = classes.sum(axis=1)
    if named and (count != 1).any():
        return None  # the other columns say something else
    if (multiple := count > 1).any():
        number = first_row(multiple)
        found = [name for name in classes if classes[name].iloc[number - 1]]
        raise DatasetError(
            f"{table} has one column per class ({listed(classes, most=10)}), and {int(multiple.sum()):,} of its rows "
            f"are of several classes, such as row {number}: {listed(found, most=5)}. AutoTL learns one per "
            f"{kind.name}. Learn them all with --target labels, name one of the columns with --label NAME, or add a "
            "column `label`."
        )
    labels = classes.idxmax(axis=1).where(count == 1, "")
    notes = []
    if (none := int((count == 0).sum())) > 0:
        advice = "If they are a class, such as `none`, add a column for it."
        notes.append(Note(f"{none:,} of {len(frame):,} rows of {table} are of no class, and so unlabelled", advice))
    return GivenLabels(tuple(marked), labels, tuple(notes))


def _read_several(frame: pd.DataFrame, columns: Sequence[str], table: str) -> GivenLabels | None:
    answers = columns_of_labels(frame, columns)
    if not answers or any(name not in answers for name in called(LABEL_COLUMNS, columns)):
        return None
    found = read_label_columns(frame, answers, table)
    return GivenLabels(answers, pd.Series(found.texts(), index=frame.index, dtype=str), found.notes)


def _marks(column: pd.Series) -> pd.Series | None:
    """Which rows a column marks; None if it holds something else."""
    words = column.astype(str).str.strip().str.lower()
    found = set(words)
    return words.isin(TRUE_WORDS) if found & TRUE_WORDS and found <= TRUE_WORDS | FALSE_WORDS else None
