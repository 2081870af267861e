"""The items that a table lists, row by row: in its order, under its own names, whether they have labels or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.file_lookup import Folder
from autotl.data.item_column import ItemColumn, is_called_like, none_exists
from autotl.data.item_columns import NO_IMAGES, column_of_texts, find_item_columns
from autotl.data.item_kinds import CLIPS, IMAGES, KINDS, PAIRS, TEXTS
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
    path: Path, *, label: str | None = None, text: str | None = None, image: str | None = None, modality: str = "image",
    cache: Path,
) -> list[ListedItem]:  # fmt: skip
    """The item of every row of a table, which may be a file that it names or stored in it.

    label: a column that does not give the items. text, image: the columns of texts and of images, as for
    `find_item_columns`; None recognises them, one of texts also where it is the only one with longish texts. What the
    items do not consist of is not looked for. modality: the kind of the items, by its name. cache: where stored items
    are written. Raises DatasetError if there is no row, or no column that gives such items.
    """
    kind = KINDS[modality]
    folder = Folder(path.parent.resolve(), lenient=True, holds=IMAGES if kind is PAIRS else kind)
    text, image = None if kind in (IMAGES, CLIPS) else text, NO_IMAGES if kind is TEXTS and text is not None else image
    frame = read_rows(path, folder, label, text, image)
    if kind in (TEXTS, PAIRS) and text is None:
        text = _only_longish(frame, label) if kind is TEXTS else column_of_texts(frame, path, label, kind)
    item = find_item_columns(frame, folder, path, label=label, text=text, image=image)
    if item.kind is not kind:
        named = [name for name in frame.columns if name != label and is_called_like(frame[name], IMAGES)]
        if kind is PAIRS and image is None and named:
            raise DatasetError(none_exists(named[0], frame[named[0]], folder, path))
        raise DatasetError(
            f"the column {item.names[0]!r} of {path} gives {item.kind.plural}; {kind.plural} were expected. Give a "
            f"table of {kind.plural}, or a model that was trained on {item.kind.plural}."
        )
    found = find_row_files(frame, item, folder, path, cache)
    names = _names(frame[item.name], found.paths) if isinstance(item, ItemColumn) and not item.stored else found.paths
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
