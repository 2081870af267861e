"""CSV files as people and programs write them: any common separator and encoding, with a header or without."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from autotl.data.column_words import is_known
from autotl.data.csv_quotes import quotes_are_closed, quotes_are_letters
from autotl.data.listing import IMAGE_SUFFIXES

SEPARATORS = ",;\t|"
MOST_COLUMNS = 10_000
"""Of any table: the columns of wider ones take minutes to look through."""
_PROBED_LINES = 20
_PROBED_LETTERS = 10_000
_SPARE_COLUMNS = 8
"""Rows may be so much longer than the first one, where what they have more is empty."""
_IN_QUOTES: Literal[0] = 0
_QUOTES_ARE_LETTERS: Literal[3] = 3
"""`csv.QUOTE_MINIMAL` and `csv.QUOTE_NONE`."""
_ZIP = b"PK\x03\x04"


def read_csv(path: Path, *, rows: int | None = None, header: bool | None = None) -> pd.DataFrame:
    """Read a CSV file as text, empty where there is no value; raises ValueError, OSError or csv.Error.

    Empty rows, and columns without a name and row numbers, are left out. rows: the most to read.
    header: whether the first row names the columns; None finds out: a row that names an image does not. Without a
    header the columns are called "column 1", "column 2" and so on.
    """
    known = encodings(path)
    for encoding in known:
        try:
            with path.open(encoding=encoding, newline="") as file:
                start = list(islice(file, _PROBED_LINES))
            skipped = _lines_before_table(start)
            mark = _separator(start[skipped:])
            return _named(_read_cells(path, mark, encoding, skipped, rows), header)
        except UnicodeDecodeError:
            if encoding == known[-1]:
                raise
    raise AssertionError  # the last encoding returns or raises


def encodings(path: Path) -> tuple[str, ...]:
    """The encodings that a table may have, in the order in which they are tried; raises ValueError, OSError."""
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith(_ZIP):
        raise ValueError("it is a spreadsheet or a zip by its content; save the sheet with the labels as CSV")
    # Spreadsheets call UTF-16 "Unicode text".
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if b"\0" in start:
        return ("utf-16-be",) if start[:1] == b"\0" else ("utf-16-le",)
    return ("utf-8-sig", "cp1252")


def require_narrow(n_columns: int) -> None:
    """Raise ValueError if a table has more columns than are read."""
    if n_columns > MOST_COLUMNS:
        raise ValueError(
            f"it has {n_columns:,} columns, and at most {MOST_COLUMNS:,} are read. Keep those of the items, their "
            "labels and their attributes"
        )


def _lines_before_table(lines: Sequence[str]) -> int:
    """The number of lines before the table: empty ones, and the line with which Excel is told the separator."""
    skipped = 0
    for line in lines:
        text = line.strip().strip('"').lower()
        if text and not (text.startswith("sep=") and len(text) <= 5):
            break
        skipped += 1
    return skipped


def _separator(lines: Sequence[str]) -> str:
    """The mark that divides the first line, and the most of the first lines, into several cells, and into the most."""
    lines = [line[:_PROBED_LETTERS] for line in lines if line.strip()]  # images stored in a cell are long

    def order(mark: str) -> tuple[bool, int, int, bool]:
        widths = [len(row) for row in csv.reader(lines, delimiter=mark)]
        first = widths[0] if widths else 0
        # Texts have commas in them, and no tabs.
        return first > 1, sum(width > 1 for width in widths), first, mark == "\t" and first > 1

    return max(SEPARATORS, key=order)


def _read_cells(path: Path, mark: str, encoding: str, skipped: int, rows: int | None) -> pd.DataFrame:
    """All cells as text, the header among them; columns are numbered."""
    try:
        width = pd.read_csv(path, sep=mark, encoding=encoding, header=None, nrows=1, dtype=str, skiprows=skipped).shape[
            1
        ]
    except pd.errors.EmptyDataError:
        raise ValueError("it is empty") from None
    require_narrow(width)
    read = partial(_parse, path, mark, encoding, skipped, rows, width)
    letters = partial(quotes_are_letters, path, mark, encoding, skipped)
    try:
        cells = _of_one_width(read(_IN_QUOTES), width, mark)
        # A quotation over several sentences, one in each row, looks like a cell of several lines.
        if mark == "\t" and _n_with_lines(cells) and letters():
            return _of_one_width(read(_QUOTES_ARE_LETTERS), width, mark)
        _require_closed_quotes(cells, path, mark, encoding, skipped)
    except (ValueError, pd.errors.ParserWarning):
        if mark != "\t" or not letters():
            raise
        cells = _of_one_width(read(_QUOTES_ARE_LETTERS), width, mark)
    return cells


def _n_with_lines(cells: pd.DataFrame) -> int:
    """The number of cells that have several lines."""
    return sum(int(cells[name].str.contains("\n", regex=False).sum()) for name in cells)


def _parse(
    path: Path, mark: str, encoding: str, skipped: int, rows: int | None, width: int, quoting: Literal[0, 3]
) -> pd.DataFrame:  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer still
        return pd.read_csv(
            path, sep=mark, encoding=encoding, nrows=None if rows is None else rows + 1, dtype=str, header=None,
            names=list(range(width + _SPARE_COLUMNS)), keep_default_na=False, index_col=False, skiprows=skipped,
            skipinitialspace=True, quoting=quoting,
        ).fillna("")  # fmt: skip


def _of_one_width(cells: pd.DataFrame, width: int, mark: str) -> pd.DataFrame:
    """The cells without the spare columns; raises ValueError if a row needs them."""
    beyond = cells[cells.columns[width:]]
    longer = (beyond != "").any(axis=1)
    if longer.any():
        row = cells.loc[longer].iloc[0]
        raise ValueError(
            f"its first row has {width} cells, but row {first_row(longer)} has more: "
            f"{mark.join(row[row != '']).strip()[:80]!r}. Put a cell that contains {mark!r} in quotation marks"
        )
    return cells[cells.columns[:width]]


def _require_closed_quotes(cells: pd.DataFrame, path: Path, mark: str, encoding: str, skipped: int) -> None:
    """Raise ValueError if a quotation mark that is not closed has swallowed rows; a text may have many lines."""
    for name in cells:
        swallowed = cells[name].str.contains("\n", regex=False)
        if swallowed.any():
            if quotes_are_closed(path, mark, encoding, skipped):
                return
            number = first_row(swallowed)
            found = cells[name][swallowed].iloc[0][:60]
            raise ValueError(f"a quotation mark in row {number} is not closed: the cell begins with {found!r}")


def _named(cells: pd.DataFrame, header: bool | None) -> pd.DataFrame:
    """The rows below the header, with its names."""
    names = [name.strip() for name in cells.iloc[0]] if len(cells) else []
    if header is None:
        header = not names_image(names)
    if header:
        table = cells.iloc[1:].reset_index(drop=True)
        table.columns = pd.Index(names, dtype=object)
        # Columns without a name are row numbers written by some programs, or come from a mark at the end of each row.
        table = table.loc[:, [bool(name) and not name.startswith("Unnamed: ") for name in names]]
    else:
        table = cells.set_axis([f"column {number}" for number in range(1, len(names) + 1)], axis=1)
    filled = np.zeros(len(table), dtype=bool)
    for name in range(table.shape[1]):
        filled |= (table.iloc[:, name].str.strip() != "").to_numpy()
    return table[filled].reset_index(drop=True)


def first_row(found: pd.Series) -> int:
    """The number of the first row that is true, counted from 1."""
    return int(np.flatnonzero(found.to_numpy())[0]) + 1


def names_image(names: Sequence[str]) -> bool:
    """Whether a first row names an image and no column, so that it is data, not a header."""
    if any(is_known(name) for name in names):
        return False
    return any(name.lower().endswith(tuple(IMAGE_SUFFIXES)) for name in names)
