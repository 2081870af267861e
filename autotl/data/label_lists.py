"""Several labels per item: from a column of lists or joined names, from one column per label, or from folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autotl.data.column_words import FALSE_WORDS, MISSING_WORDS, TRUE_WORDS
from autotl.data.label_cells import (
    Separator,
    UnreadableCell,
    find_separator,
    is_empty,
    looks_like_list,
    parse_list,
    split_cell,
)
from autotl.data.label_words import place_of
from autotl.data.note import Note
from autotl.errors import DatasetError
from autotl.runtime.wording import counted, listed
from autotl.targets import SEPARATOR, UNKNOWN_MARK, label_text

UNCERTAIN_WORDS = frozenset({"-1", "-1.0", "u", "uncertain", "unknown"})
"""Answers of one column per label that say that it is unknown."""


@dataclass(frozen=True, eq=False)
class LabelLists:
    """Which labels each item has.

    names: of the labels, sorted. applies, known: bool (n, n_labels); where it is not known whether a label applies,
    `applies` is false. layout: how the data were understood, in a few words. notes: what else there is to tell.
    """

    names: tuple[str, ...]
    applies: np.ndarray
    known: np.ndarray
    layout: str
    notes: tuple[Note, ...] = ()

    def texts(self) -> list[str]:
        """Each item's labels as `targets.label_text` writes them; empty if nothing is known of an item."""
        names = np.array(self.names, dtype=object)
        return [
            label_text(names[applies], names[~known]) if known.any() else ""
            for applies, known in zip(self.applies, self.known, strict=True)
        ]


def read_label_column(column: pd.Series, table: str) -> LabelLists:
    """The labels in a column of lists, or of names joined by semicolons, bars, commas or spaces.

    column: text; a list as JSON, Python or NumPy write it. An empty cell is unlabelled, and "[]" has no label. table:
    its name, for messages. Raises DatasetError if a list cannot be read, or no cell has a label.
    """
    cells = [" ".join(str(cell).split()) for cell in column]
    joined = [cell for cell in cells if not is_empty(cell) and not looks_like_list(cell)]
    separator = find_separator(joined)
    found: list[tuple[str, ...] | None] = []
    for number, cell in enumerate(cells):
        try:
            found.append(None if is_empty(cell) else _cell_labels(cell, separator))
        except UnreadableCell:
            raise DatasetError(
                f"{place_of(column, number)} of {table} has {cell[:80]!r} in the column {column.name!r}, which looks "
                'like a list and cannot be read as one. Write lists as JSON does, such as ["cat", "dog"], or names '
                "with semicolons between them."
            ) from None
    _require_plain_names(found, column, table)
    names = tuple(sorted({name.removeprefix(UNKNOWN_MARK) for labels in found if labels for name in labels}))
    if not names:
        raise DatasetError(
            f"no row of {table} has a label in the column {column.name!r}. Fill it in, or name another column with "
            "--label NAME."
        )
    applies, known = _matrices(found, names)
    how = "lists" if not joined else f"labels separated by {separator.name}" if separator.mark else "one label each"
    return LabelLists(names, applies, known, how, _separator_notes(column, table, joined, separator, names))


def read_label_columns(frame: pd.DataFrame, columns: Sequence[str], table: str) -> LabelLists:
    """The labels of a table with one column per label that holds 1 or 0, true or false, yes or no.

    An empty cell and -1 say that it is unknown; in a column of marks without any 0, false or no, an empty cell says
    that the label does not apply. Raises DatasetError if a cell says something else.
    """
    answers = {name: frame[name].astype(str).str.strip().str.lower() for name in columns}
    only_marks = not any(words.isin(FALSE_WORDS - {""}).any() for words in answers.values())
    applies, known = np.zeros((len(frame), len(columns)), dtype=bool), np.zeros((len(frame), len(columns)), dtype=bool)
    for place, (name, words) in enumerate(answers.items()):
        yes, no = words.isin(TRUE_WORDS), words.isin(FALSE_WORDS - {""}) | (only_marks & (words == ""))
        other = ~(yes | no | words.isin(MISSING_WORDS | UNCERTAIN_WORDS))
        if other.any():
            row = int(np.flatnonzero(other.to_numpy())[0])
            raise DatasetError(
                f"row {row + 1} of {table} has {str(frame[name].iloc[row])!r} in the column {name!r}, which is one of "
                f"{len(columns)} with a label each; expected 1 or 0, or an empty cell where it is unknown."
            )
        applies[:, place], known[:, place] = yes, yes | no
    require_names(columns, f"the table {table} has a column for the label")
    order = np.argsort(np.array(columns, dtype=str), kind="stable")
    names = tuple(columns[k] for k in order)
    notes = _answer_notes(applies, known, table, columns, only_marks=only_marks)
    return LabelLists(names, applies[:, order], known[:, order], "one column per label", notes)


def columns_of_labels(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Those of some columns that hold only answers such as 1 and 0, each at least one 1; none if it is one column."""
    answers = TRUE_WORDS | FALSE_WORDS | MISSING_WORDS | UNCERTAIN_WORDS
    found = []
    for name in columns:
        words = set(frame[name].astype(str).str.strip().str.lower())
        if words & TRUE_WORDS and words <= answers:
            found.append(name)
    return tuple(found) if len(found) > 1 else ()


def merge_copies(labels: Sequence[str], digests: Sequence[str]) -> tuple[np.ndarray, LabelLists]:
    """Items in several class folders, by their content: the first of each content, which has the labels of all.

    labels: the folder's class of each file, empty if it has none; digests: of its bytes, empty if it could not be
    read. Returns row numbers int (n_contents,), in rising order, and their labels, of which all are known.
    """
    first: dict[str, int] = {}
    own: dict[int, set[str]] = {}
    for row, (label, digest) in enumerate(zip(labels, digests, strict=True)):
        if label and digest:
            own.setdefault(first.setdefault(digest, row), set()).add(label)
    rows = np.array(sorted(own), dtype=int)
    names = tuple(sorted(set().union(*own.values()))) if own else ()
    applies, known = _matrices([tuple(sorted(own[row])) for row in rows.tolist()], names)
    several, n_copies = int((applies.sum(axis=1) > 1).sum()), sum(map(bool, labels)) - len(rows)
    message = f"{counted(several, 'item')} in several class folders, by their content, with the labels of all of them"
    notes = (Note(f"{message}; {counted(n_copies, 'copy', 'copies')} left out", severity="info"),) if n_copies else ()
    return rows, LabelLists(names, applies, known, "one folder per label", notes)


def _cell_labels(cell: str, separator: Separator) -> tuple[str, ...]:
    return parse_list(cell) if looks_like_list(cell) else split_cell(cell, separator)


def _matrices(found: Sequence[Sequence[str] | None], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Which labels apply, and which are known: all of an item's, but for those with a question mark before them."""
    place = {name: k for k, name in enumerate(names)}
    applies, known = np.zeros((len(found), len(names)), dtype=bool), np.zeros((len(found), len(names)), dtype=bool)
    for row, labels in enumerate(found):
        if labels is None:
            continue
        known[row] = True
        for name in labels:
            if name.startswith(UNKNOWN_MARK):
                known[row, place[name.removeprefix(UNKNOWN_MARK)]] = False
            else:
                applies[row, place[name]] = True
    return applies & known, known


def require_names(names: Iterable[str], where: str) -> None:
    """Raise DatasetError if the name of a label could not be told from several, or from an unknown one."""
    for name in names:
        if SEPARATOR in name or name.startswith(UNKNOWN_MARK):
            raise DatasetError(
                f"{where} {name!r}; a name cannot contain {SEPARATOR!r}, which separates labels, or begin with "
                f"{UNKNOWN_MARK!r}, which says that one is unknown. Rename it."
            )


def _require_plain_names(found: Sequence[Sequence[str] | None], column: pd.Series, table: str) -> None:
    for number, labels in enumerate(found):
        if bad := [name for name in labels or () if SEPARATOR in name]:
            raise DatasetError(
                f"{place_of(column, number)} of {table} has the label {bad[0]!r} in the column {column.name!r}; a name "
                f"cannot contain {SEPARATOR!r}, which separates labels. Write it another way."
            )


def _separator_notes(
    column: pd.Series, table: str, joined: Sequence[str], separator: Separator, names: Sequence[str]
) -> tuple[Note, ...]:
    if not joined:
        return ()
    where = f"the column {column.name!r} of {table}"
    if separator.mark:
        message = f"{where} has labels separated by {separator.name}, such as {listed(map(repr, names), most=5)}"
        advice = f"Separate the labels by semicolons if there are {separator.name} within their names."
        return (Note(message, advice * (separator.mark != ";"), severity="info"),)
    message = f"each cell of {where} is one label, such as {listed(map(repr, names), most=5)}"
    return (Note(message, "Separate the labels by semicolons where an item has several."),)


def _answer_notes(
    applies: np.ndarray, known: np.ndarray, table: str, columns: Sequence[str], *, only_marks: bool
) -> tuple[Note, ...]:
    notes = []
    if only_marks:
        message = f"{table} marks labels and never says 0, so that an empty cell is read as: the label does not apply"
        notes.append(Note(message, "Write 0 where a label does not apply if empty cells mean that it is unknown."))
    elif n_unknown := int((~known).sum()):
        message = f"{n_unknown:,} of {known.size:,} labels in {table} are unknown; they count neither way"
        notes.append(Note(message, "Write 0 into the empty cells if they mean that a label does not apply."))
    never = [columns[k] for k in np.flatnonzero(applies.sum(axis=0) == 0).tolist()]
    if never:
        notes.append(Note(f"no row of {table} says that these labels apply: {listed(map(repr, never))}"))
    return tuple(notes)
