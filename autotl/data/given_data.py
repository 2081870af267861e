"""The path that is given as the data: a folder, an archive or a table."""

from __future__ import annotations

import stat
from pathlib import Path

from autotl.data.archives.unpack import is_archive
from autotl.data.listing import TABLE_SUFFIXES
from autotl.data.tables import column_names
from autotl.errors import DatasetError

_SUFFIXES_OF_TABLES = TABLE_SUFFIXES | {".txt"}
"""Spreadsheets save "Unicode text" as .txt."""


def require_data(data: Path) -> None:
    """Raise DatasetError if there is no file or folder that can hold a dataset; OSError if it is out of reach."""
    wanted = (
        "a folder with one sub-folder of images per class, a zip or tar of one, or a table of labels (CSV, TSV, "
        "Parquet or JSON lines); texts may be in place of images"
    )
    if not data.exists():
        raise DatasetError(f"{data} does not exist. Give {wanted}.")
    if data.suffix.lower() in {".xlsx", ".xls", ".ods"}:
        raise DatasetError(f"{data} is a spreadsheet; save the sheet with the labels as CSV and give that file.")
    if data.is_dir():
        return
    # Opening a pipe would block forever.
    regular = stat.S_ISREG(data.stat().st_mode)
    if not regular or not (is_table(data) or is_archive(data)):
        suffix = data.suffix.lower()
        lines = " If each of its lines is a JSON object, rename it to .jsonl." if suffix == ".json" else ""
        what = "a single text, no table" if suffix in _SUFFIXES_OF_TABLES and regular else "a file of another kind"
        raise DatasetError(f"{data} is {what}; expected {wanted}. Give one of these.{lines}")


def is_table(data: Path) -> bool:
    """Whether a file given as the data is read as a table."""
    suffix = data.suffix.lower()
    return suffix in TABLE_SUFFIXES or (suffix in _SUFFIXES_OF_TABLES and len(column_names(data)) > 1)
