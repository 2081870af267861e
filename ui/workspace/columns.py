"""The columns of the tables of a dataset."""

from __future__ import annotations

from autotl.data.listing import TABLE_SUFFIXES
from autotl.data.tables import column_names
from autotl_ui.workspace.data_sets import DataSet

MOST_COLUMNS = 200


def table_columns(data_set: DataSet) -> list[str]:
    """The columns of the tables in which the texts and labels may be."""
    path = data_set.path
    tables = [path] if path.is_file() else sorted(path.glob("*"))
    names = [
        name for table in tables if table.suffix.lower() in TABLE_SUFFIXES and table.is_file()
        for name in column_names(table)
    ]  # fmt: skip
    return list(dict.fromkeys(names))[:MOST_COLUMNS]


def has_columns(data_set: DataSet) -> bool:
    """Whether a dataset is a table, or a folder with one, that was not made by mapping folders."""
    return not data_set.origin and bool(table_columns(data_set))
