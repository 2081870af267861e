"""Cells copied from a spreadsheet: texts and their labels, written as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.data.column_words import LABEL_COLUMNS, TEXT_LABEL_COLUMNS, plain_name
from autotl.data.table_texts import TEXT_COLUMNS
from autotl.errors import DatasetError
from autotl.runtime.atomic_files import write_atomically

TEXT_COLUMN, LABEL_COLUMN = "text", "label"
_NAMES = frozenset({*TEXT_COLUMNS, *LABEL_COLUMNS, *TEXT_LABEL_COLUMNS})


@dataclass(frozen=True)
class PastedCells:
    """Texts and their labels, empty if there is none. rows: (text, label) of each text."""

    rows: tuple[tuple[str, str], ...]


def read_pasted(pasted: str) -> PastedCells:
    """Read one or two columns as a spreadsheet copies them: cells divided by tabs, in quotes if they hold line ends.

    The column whose cells are longer holds the texts. A first row that names the columns is left out, and so are rows
    without a text. Raises DatasetError, with the row, if there are more columns or no texts.
    """
    rows = list(csv.reader(io.StringIO(pasted.replace("\r\n", "\n").replace("\r", "\n")), delimiter="\t"))
    rows = [cells for row in rows if any(cells := [cell.strip() for cell in row])]
    for number, row in enumerate(rows, start=1):
        if len(row) > 2 and any(row[2:]):
            raise DatasetError(
                f"row {number} has {len(row)} cells; expected two columns, the texts and their labels. Copy only these "
                "two, or save the sheet as CSV and drop the file."
            )
    if rows and all(plain_name(cell) in _NAMES for cell in rows[0] if cell):
        rows = rows[1:]
    both = [(row[0], row[1] if len(row) > 1 else "") for row in rows]
    if sum(len(second) for _, second in both) > sum(len(first) for first, _ in both):
        both = [(second, first) for first, second in both]
    found = tuple((text, label) for text, label in both if text)
    if not found:
        raise DatasetError("no text was pasted. Copy two columns of a spreadsheet, the texts and their labels.")
    return PastedCells(found)


def write_pasted(cells: PastedCells, table: Path) -> None:
    """Write pasted cells as a CSV with the columns `text` and `label`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([TEXT_COLUMN, LABEL_COLUMN])
    writer.writerows(_written(cells.rows))
    table.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(table, text.getvalue().encode("utf-8", "replace"))


def _written(rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(text.replace("\0", ""), label.replace("\0", "")) for text, label in rows]
