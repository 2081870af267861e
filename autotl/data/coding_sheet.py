"""Coding sheets: CSV tables in which people enter a label for each image."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.data.spreadsheet_paths import unlike_formula
from autotl.errors import ConfigError, DatasetError
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.wording import listed

COLUMNS, _PROBABILITY = ("item", "coder", "label"), "probability"
_MOST_CHARACTERS = 32_000
"""A spreadsheet's cell holds 32,767 characters."""
_SEPARATORS = ",;\t|"
_NAMED_SEPARATOR = re.compile(r'"?sep=(\t|[^\w\s"])"?', re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters, bidirectional formatting characters, and characters that XML and HTML do not allow."""
_END = "\0end"


@dataclass(frozen=True)
class SheetRow:
    """A row of a coding sheet, unchanged.

    line: its line number in the file, from 1. probability: inclusion probability as text, None without such a column.
    """

    line: int
    item: str
    coder: str
    label: str
    probability: str | None = None


def name_problem(coder: str) -> str:
    """Describe a character that makes a coder's name unusable, without printing it; empty if the name is fine."""
    found = _UNUSABLE.search(coder)
    if not found:
        return ""
    return (
        f"the coder's name {coder[:80]!r} has the character U+{ord(found[0]):04X}, which a terminal or a page "
        "cannot show; write the name without it"
    )


def write_sheet(path: Path, items: Sequence[str], *, further: Mapping[str, Sequence[str]] | None = None) -> None:
    """Write a sheet with one row per item and empty coder and label; ConfigError if it cannot be written.

    further: columns with what the coders read of each item, such as `text`, by name.
    An item that a spreadsheet would run as a formula, and lose, is written with "./" before it, and a further cell with
    a space.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    further = further or {}
    writer.writerow((*COLUMNS, *further))
    for place, item in enumerate(items):
        writer.writerow((unlike_formula(item), "", "", *(_readable(cells[place]) for cells in further.values())))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.getvalue().encode("utf-8", "surrogateescape"))
    except OSError as error:
        # The error itself would name the temporary file, which the user does not know.
        raise ConfigError(f"{path} cannot be written: {error.strerror}. Give another place for the sheet.") from error


def _readable(text: str) -> str:
    """A text in one cell: as much as a spreadsheet takes, never a formula."""
    text = text[:_MOST_CHARACTERS]
    return f" {text}" if text[:1] in "=+-@\t\r" else text


def read_sheet(path: Path) -> tuple[SheetRow, ...]:
    """Read the rows of a sheet; empty rows are skipped, and columns other than `probability` are ignored.

    Cells may be separated by commas, semicolons, tabs or vertical bars, or by the character given in a first line such
    as `sep=;`. The encoding may be UTF-8, UTF-16 or Windows-1252. Raises DatasetError, with the line number, if the
    file is not a table with the columns item, coder and label, if a quote is never closed, or if a coder's name has
    control characters.
    """
    lines, mark, skipped = _lines(_text(path))
    # If a quote is still open, this end marker becomes part of a cell.
    rows = csv.reader([*lines, _END], delimiter=mark)
    places: list[int] = []
    found = []
    try:
        for row in rows:
            line = skipped + rows.line_num
            if row == [_END]:
                break
            if row and row[-1].endswith(_END):
                opened = line - len(_LINE_END.findall(row[-1]))
                raise DatasetError(f"{path}: a quote opened in line {opened} is never closed. Close it, or remove it.")
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not places:
                places = _places(cells, path)
                continue
            item, coder, label, *rest = (cells[place] if place < len(cells) else "" for place in places)
            if problem := name_problem(" ".join(coder.split())):
                raise DatasetError(f"{path}, line {line}: {problem}.")
            found.append(SheetRow(line, item, coder, label, *rest))
    except csv.Error as error:
        raise DatasetError(f"{path}, line {skipped + rows.line_num}: {error}. Save the sheet as CSV again.") from None
    if not places:
        raise DatasetError(f"{path} is empty; expected a table with the columns {listed(COLUMNS)}.")
    return tuple(found)


def _lines(text: str) -> tuple[list[str], str, int]:
    """The lines of the table, the separator of its cells, and the number of `sep=` lines skipped (0 or 1)."""
    lines = list(io.StringIO(text, newline=""))
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n"
    if lines and (named := _NAMED_SEPARATOR.fullmatch(lines[0].rstrip("\r\n"))):
        return lines[1:], named[1], 1
    first = next((line for line in lines if line.strip()), "")
    return lines, max(_SEPARATORS, key=first.count), 0


def _places(header: Sequence[str], path: Path) -> list[int]:
    names = [name.casefold() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise DatasetError(
            f"{path} has the columns {listed(map(repr, header), most=20)}; the column {missing[0]!r} is missing. "
            f"Give a table with the columns {listed(COLUMNS)}, such as the sheet that `autotl validate RUN --sample N "
            "--out SHEET.csv` writes."
        )
    wanted = [name for name in (*COLUMNS, _PROBABILITY) if name in names]
    for name in wanted:
        if names.count(name) > 1:
            raise DatasetError(
                f"{path} has {names.count(name)} columns {name!r}, so it is unclear which one to use. Keep one of them."
            )
    return [names.index(name) for name in wanted]


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
