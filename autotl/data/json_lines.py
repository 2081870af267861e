"""Tables in JSON lines: one JSON object per line, read line by line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from autotl.data.csv_text import MOST_COLUMNS, encodings

NESTED = "nested columns"
"""In `attrs` of a table: the columns that are left out because of an object in a cell, with the line of the first."""


def read_json_lines(path: Path, *, rows: int | None = None) -> pd.DataFrame:
    """Read JSON lines as text, empty if there is no value; raises ValueError or OSError.

    A list of plain values becomes its JSON text, such as '["a", "b"]'. Columns with objects inside are left out and
    named in `attrs[NESTED]`. rows: the most to read.
    """
    known = encodings(path)
    for encoding in known:
        try:
            with path.open(encoding=encoding) as file:
                return _read(file, rows)
        except UnicodeDecodeError:
            if encoding == known[-1]:
                raise
    raise AssertionError  # the last encoding returns or raises


def _read(lines: Iterable[str], rows: int | None) -> pd.DataFrame:
    columns: dict[str, list[str]] = {}
    nested: dict[str, int] = {}
    n_rows = 0
    for number, line in enumerate(lines, start=1):
        if n_rows == rows:
            break
        if not line.strip():
            continue
        for name, value in _record(line, number).items():
            cells = columns.setdefault(name.strip(), [])
            if len(cells) > n_rows:
                raise ValueError(f"line {number} has the key {name.strip()!r} more than once. Rename one of them")
            cells += [""] * (n_rows - len(cells))
            try:
                cells.append(_cell(value))
            except _NestedError:
                nested.setdefault(name.strip(), number)
                cells.append("")
        n_rows += 1
        if len(columns) > MOST_COLUMNS:
            raise ValueError(
                f"its objects have more than {MOST_COLUMNS:,} different keys by line {number}. Write the same keys in "
                "every line"
            )
    if not n_rows:
        raise ValueError("it is empty")
    for cells in columns.values():
        cells += [""] * (n_rows - len(cells))
    kept = {name: cells for name, cells in columns.items() if name and name not in nested}
    frame = pd.DataFrame(kept, index=range(n_rows), dtype=str)
    frame.attrs[NESTED] = nested
    return frame


def _record(line: str, number: int) -> dict[str, object]:
    try:
        record = json.loads(line)
    except RecursionError:
        raise ValueError(f"line {number} has too many brackets within each other: {_start(line)}") from None
    except ValueError as error:
        whole = number == 1 and line.lstrip()[:1] in ("[", "{") and line.rstrip()[-1:] in ("[", "{", ",")
        hint = ", not one document over several lines" if whole else ""
        raise ValueError(
            f"line {number} is not JSON ({error}): {_start(line)}. Write one JSON object on each line{hint}"
        ) from None
    if not isinstance(record, dict):
        found = "a list" if isinstance(record, list) else "a single value"
        raise ValueError(
            f"line {number} is {found}, not an object: {_start(line)}. Write one object with the names of the columns "
            'on each line, such as {"text": "...", "label": "..."}'
        )
    return record


def _start(line: str) -> str:
    return repr(line.strip()[:60])


class _NestedError(Exception):
    """A cell holds an object."""


def _cell(value: object) -> str:
    """The value as text, as JSON writes it but for texts themselves and missing values."""
    if isinstance(value, str):
        return value if value.isascii() else _whole(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value)):
        raise _NestedError
    return _whole(json.dumps(value, ensure_ascii=False))


def _whole(text: str) -> str:
    """The text without halves of characters, which escapes such as "\\ud83d" may leave."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
