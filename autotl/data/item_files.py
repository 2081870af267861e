"""The files by which items are named outside of AutoTL, whose folders and names may tell what belongs together."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from autotl.data.item_kinds import IMAGES

NAMING_FILE = f"{IMAGES.name}.path"
"""The column of a table of composed items with the file that each is named by: their own files are numbered rows."""


def named_by(table: pd.DataFrame) -> pd.Series:
    """The path of the file that names each item: the item's own, or that of its image; empty if it has none."""
    return table[NAMING_FILE] if NAMING_FILE in table else table["path"]


def by_files(table: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, Path]:
    """A table of items whose paths are those of the files that name them, and the folder that these are relative to.

    root: the folder that the table's own paths are relative to. Of composed items, it becomes the innermost folder that
    holds all of their files.
    """
    if NAMING_FILE not in table:
        return table, root
    files = table[NAMING_FILE]
    folders = {file.rpartition("/")[0] for file in files if file}
    common = os.path.commonpath(folders) if folders else str(root)
    prefix = common.rstrip("/") + "/"
    return table.assign(path=files.str.removeprefix(prefix)), Path(common)
