"""Uploaded tables of labels may name items that came with them, and no other file of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from autotl.data.item_column import is_never_a_path
from autotl.data.listing import TABLE_SUFFIXES
from autotl.data.tables import holds_bytes, read_table
from autotl.errors import DatasetError


def require_confined(data: Path) -> None:
    """Raise DatasetError if a table that was uploaded names a file outside of its folder.

    data: the table, or the folder with tables at its top.
    """
    for table in [data] if data.is_file() else sorted(data.iterdir()):
        if table.suffix.lower() in TABLE_SUFFIXES and table.is_file():
            _require_confined(table)


def _require_confined(table: Path) -> None:
    try:
        frame = read_table(table)
    except DatasetError:  # then the core cannot read it either
        return
    # Every cell: which column names the items depends on which files are there, now or some day.
    for column in frame.columns:
        if holds_bytes(frame[column]) or is_never_a_path(frame[column]):
            continue
        cells = frame[column].unique()
        if outside := next((cell for cell in cells if _leads_out(cell.strip())), ""):
            raise DatasetError(
                f"{table.name} has {outside[:80]!r} in the column {column!r}, which is not part of the upload. Give "
                "the items' paths relative to the table, take other paths out of it, and upload the folder that "
                "holds both."
            )


def _leads_out(cell: str) -> bool:
    path = os.path.normpath(cell)
    if path == os.sep:  # which some write where a value is missing
        return False
    return path.startswith((os.sep, os.pardir + os.sep)) or bool(os.path.splitdrive(path)[0])
