"""Coding sheets: tables in which people write what they see on each image, as spreadsheets save them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.errors import DatasetError
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.wording import listed

COLUMNS = ("item", "coder", "label")
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class SheetRow:
    """A row of a coding sheet, as it was written. line: in the file, from 1."""

    line: int
    item: str
    coder: str
    label: str


def write_sheet(path: Path, items: Iterable[str]) -> None:
    """Write a sheet with a row per item, whose coder and label are still empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((item, "", "") for item in items)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.getvalue().encode("utf-8", "surrogateescape"))


def read_sheet(path: Path) -> tuple[SheetRow, ...]:
    """Read the rows of a sheet; empty ones are left out, and further columns count for nothing.

    Cells may be separated by commas, semicolons, tabs or vertical bars, in UTF-8, UTF-16 or else Windows-1252. Raises
    DatasetError, with the line, where the file is no table with the columns item, coder and label.
    """
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    mark = max(_SEPARATORS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    places: list[int] = []
    found = []
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not places:
                places = _places(cells, path)
                continue
            item, coder, label = (cells[place] if place < len(cells) else "" for place in places)
            found.append(SheetRow(rows.line_num, item, coder, label))
    except csv.Error as error:
        raise DatasetError(f"{path}, line {rows.line_num}: {error}. Save the sheet as CSV again.") from None
    if not places:
        raise DatasetError(f"{path} is empty; expected a table with the columns {listed(COLUMNS)}.")
    return tuple(found)


def _places(header: Sequence[str], path: Path) -> list[int]:
    names = [name.casefold() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise DatasetError(
            f"{path} has the columns {listed(header, most=20)}; the column {missing[0]!r} is missing. Give a table "
            f"with the columns {listed(COLUMNS)}, such as the sheet that `autotl validate RUN --sample N --out` writes."
        )
    return [names.index(name) for name in COLUMNS]


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from None
    if data.startswith(b"PK\x03\x04"):
        raise DatasetError(f"{path} is a spreadsheet by its content. Save the sheet with the labels as CSV.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
