"""The items that a table lists, row by row: in its order, under its own names, whether they have labels or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.file_lookup import Folder
from autotl.data.item_column import find_item_column
from autotl.data.item_kinds import KINDS, TEXTS
from autotl.data.label_table import find_row_files, read_rows
from autotl.data.table_texts import is_longish, text_columns
from autotl.errors import DatasetError


@dataclass(frozen=True)
class ListedItem:
    """The item of a row. name: as the table has it; file: where it is; missing: why there is none, or empty."""

    name: str
    file: Path
    missing: str


def listed_items(
    path: Path, *, label: str | None = None, text: str | None = None, modality: str = "image", cache: Path
) -> list[ListedItem]:
    """The item of every row of a table, which may be a file that it names or stored in it.

    label: a column that does not give the items. text: the column of texts; None recognises it, also where it is the
    only one with longish texts. modality: the kind of the items, by its name. cache: where stored items are written.
    Raises DatasetError if there is no row, or no column that gives such items.
    """
    kind = KINDS[modality]
    folder = Folder(path.parent.resolve(), lenient=True, holds=kind)
    frame = read_rows(path, folder, label, text)
    if kind is TEXTS and text is None:
        text = _only_longish(frame, label)
    item = find_item_column(frame, folder, path, label=label, text=text)
    if item.kind is not kind:
        raise DatasetError(
            f"the column {item.name!r} of {path} gives {item.kind.plural}; {kind.plural} were expected. Give a table "
            f"of {kind.plural}, or a model that was trained on {item.kind.plural}."
        )
    found = find_row_files(frame[item.name], item, folder, path, cache)
    names = found.paths if item.stored else _names(frame[item.name], found.paths)
    return [
        ListedItem(name, found.root / file, missing)
        for name, file, missing in zip(names, found.paths, found.missing, strict=True)
    ]


def _names(column: pd.Series, paths: list[str]) -> list[str]:
    return [name.strip() or path for name, path in zip(column, paths, strict=True)]


def _only_longish(frame: pd.DataFrame, label: str | None) -> str | None:
    """The only column of longish texts, where none has a common name of one."""
    columns = [name for name in frame.columns if name != label]
    longish = [name for name in columns if is_longish(frame[name])]
    return longish[0] if len(longish) == 1 and not text_columns(frame, columns) else None
