"""A table of labels: its columns recognised by name and content, and one row per item."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.column_words import IMAGE_COLUMNS, LABEL_COLUMNS, TEXT_LABEL_COLUMNS, called, is_known, plain_name
from autotl.data.file_lookup import Folder
from autotl.data.item_column import begins_with_text
from autotl.data.item_columns import (
    NO_IMAGES,
    ItemColumns,
    PairColumns,
    about_unused_columns,
    find_item_columns,
)
from autotl.data.item_kinds import IMAGES, TEXTS, ItemKind
from autotl.data.label_words import label_notes, label_text
from autotl.data.named_files import RowFiles, find_files
from autotl.data.note import Note
from autotl.data.one_hot import GivenLabels, read_one_hot
from autotl.data.patch import EXCLUDED
from autotl.data.split_column import GivenSplit, read_split
from autotl.data.table_images import write_images
from autotl.data.table_pairs import write_pairs
from autotl.data.table_texts import write_texts
from autotl.data.tables import holds_bytes, listed_columns, read_table, require_column
from autotl.errors import DatasetError
from autotl.runtime.progress import OnProgress
from autotl.runtime.wording import listed

ONE_COLUMN_EACH = "one column per class"
"""In the layout of data: each class or label has a column of its own."""
_WITHOUT_HEADER = re.compile(r"column \d+")


@dataclass(frozen=True)
class Labels:
    """The labels in a table.

    root: the resolved folder that paths are relative to.
    rows: one per item, sorted by path, with the columns of `autotl.data.source.Source.table`.
    column: name of the column of labels; empty where there is one per class.
    layout: how the table was understood. notes: what else there is to tell.
    kind: of the items. text, image: the columns that gave the texts and the images, as they may be asked for of another
    table. item_layout: how the layout names the columns of items, empty for images.
    """

    root: Path
    rows: pd.DataFrame
    column: str
    layout: str
    notes: tuple[Note, ...] = ()
    kind: ItemKind = IMAGES
    text: str | None = None
    image: str | None = None
    item_layout: str = ""


def read_labels(
    path: Path,
    folder: Folder,
    *,
    label: str | None,
    text: str | None = None,
    image: str | None = None,
    several: bool = False,
    cache: Path,
    progress: OnProgress | None = None,
) -> Labels:
    """Read a table of labels, whose items are files in a folder or stored in the table itself.

    label: the column of labels; None recognises it by its name. text: the column of texts, which are then the items;
    None: they are images, or the texts of a column that is recognised by its name and content. image: see
    `find_item_columns`. several: with one column per label, a row may have several. cache, progress: for items stored
    in the table. Raises DatasetError if the table cannot be understood.
    """
    return _read_labels(
        path, folder, label=label, text=text, image=image, need_label=True, several=several, cache=cache,
        progress=progress,
    )  # fmt: skip


def read_unlabelled(
    path: Path, folder: Folder, *, text: str | None = None, image: str | None = None, cache: Path,
    progress: OnProgress | None = None,
) -> Labels:  # fmt: skip
    """Read a table of items without labels; see `read_labels`."""
    return _read_labels(
        path, folder, label=None, text=text, image=image, need_label=False, several=False, cache=cache,
        progress=progress,
    )  # fmt: skip


def _read_labels(
    path: Path,
    folder: Folder,
    *,
    label: str | None,
    text: str | None,
    image: str | None,
    need_label: bool,
    several: bool,
    cache: Path,
    progress: OnProgress | None,
) -> Labels:
    frame = read_rows(path, folder, label, text, image)
    columns = [name for name in frame.columns if not holds_bytes(frame[name])]
    item = find_item_columns(frame, folder, path, label=label, text=text, image=image)
    split = read_split(frame, [name for name in columns if name not in (*item.names, label)], path.name, item.kind)
    free = [name for name in columns if name not in (*item.names, *split.columns)]
    given = _find_labels(frame, path, label, free, item, several) if need_label else _no_labels(frame)
    found = find_row_files(frame, item, folder, path, cache, progress)
    split = split.of_labelled(given.labels != "", path.name)
    table = _row_table(frame, path, found, split, given, free)
    rows = require_one_row_each(table, path, item.kind)
    column = given.columns[0] if len(given.columns) == 1 else ""
    layout = f"{path.name}, {'which has no header, ' * (frame.columns[0] == 'column 1')}"
    layout += labels_layout(item.layout, column)
    if split.columns:
        layout += f"; split by the column{'s'[: len(split.columns) > 1]} {listed(map(repr, split.columns))}"
    if len(rows) < len(table):
        layout += f"; {len(table) - len(rows)} repeated rows dropped"
    unused = about_unused_columns(
        frame, item, [name for name in free if name not in given.columns], image=image
    )  # fmt: skip
    notes = (*split.notes, *given.notes, *found.notes, *unused)
    text, image = _asked_of_others(item, image)
    return Labels(
        found.root, rows.sort_values("path", ignore_index=True), column, layout, notes, item.kind, text, image,
        item.layout,
    )  # fmt: skip


def _asked_of_others(item: ItemColumns, image: str | None) -> tuple[str | None, str | None]:
    """The columns of texts and of images by which another table gives items of the same kind."""
    if isinstance(item, PairColumns):
        return item.text.name, item.image.name
    return (item.name, NO_IMAGES) if item.kind is TEXTS else (None, image)


def read_rows(
    path: Path, folder: Folder, label: str | None = None, text: str | None = None, image: str | None = None
) -> pd.DataFrame:  # fmt: skip
    """The table, with at least one row.

    A first row that names an item of the folder, or is a text, is data, not a header; so is one where `label`, `text`
    or `image` is called "column 1" or the like, as columns without a header are.
    """
    frame = read_table(path)
    names = list(frame.columns)
    asked_for = any(name and _WITHOUT_HEADER.fullmatch(name) and name not in names for name in (label, text, image))
    unknown = text is None and not any(is_known(name) for name in names)
    if asked_for or (unknown and (any(folder.find(name) for name in names) or begins_with_text(frame))):
        frame = read_table(path, header=False)
    if frame.empty:
        kind, cell = (folder.holds, "path") if text is None else (TEXTS, "words")
        raise DatasetError(f"{path} has no rows. Add one for each {kind.name}, with its {cell} and its label.")
    return frame


def find_row_files(
    frame: pd.DataFrame, item: ItemColumns, folder: Folder, path: Path, cache: Path, progress: OnProgress | None = None
) -> RowFiles:
    """The file of each row's item, written below the cache where the table holds it."""
    if isinstance(item, PairColumns):
        images, texts = (
            find_row_files(frame, one, folder, path, cache, progress) for one in (item.image, item.text)
        )  # fmt: skip
        return write_pairs(images, texts, path, cache)
    column = frame[item.name]
    if not item.stored:
        return find_files(column, folder.holding(item.kind))
    write = write_texts if item.kind is TEXTS else write_images
    return write(column, path, cache, progress)


def _row_table(
    frame: pd.DataFrame, path: Path, found: RowFiles, split: GivenSplit, given: GivenLabels, free: Sequence[str]
) -> pd.DataFrame:
    """The rows of the table, with the columns of `Labels.rows`."""
    missing = pd.Series(found.missing, index=frame.index, dtype=object)
    left_out = (f"{EXCLUDED} by {path.name}: " + split.left_out).where(split.left_out != "", "")
    columns = {
        "path": found.paths, "label": given.labels, "given_split": split.parts,
        "missing": missing.where(missing != "", left_out),
    }  # fmt: skip
    columns |= {f"{part}.path": paths for part, paths in found.parts.items()}
    others = frame[[name for name in free if name not in given.columns]].add_prefix("attribute.")
    return pd.concat([pd.DataFrame(columns, index=frame.index), others], axis=1)


def labels_layout(items: str, column: str) -> str:
    """The columns in a layout. items: that of the items, empty for images. column: of labels, empty for several."""
    labels = f"column {column!r}" if column else ONE_COLUMN_EACH
    return f"{items}, {'labels in the ' * bool(column)}{labels}" if items else labels


def _find_labels(
    frame: pd.DataFrame, path: Path, label: str | None, free: Sequence[str], item: ItemColumns, several: bool
) -> GivenLabels:
    if label is None and (one_hot := read_one_hot(frame, free, path.name, item.kind, several=several)):
        return one_hot
    column = _label_column(frame, path, label=label, free=free, kind=item.kind)
    return GivenLabels((column,), label_text(frame[column]), label_notes(frame[column], path.name))


def _no_labels(frame: pd.DataFrame) -> GivenLabels:
    return GivenLabels((), pd.Series("", index=frame.index))


def _label_column(
    frame: pd.DataFrame, path: Path, *, label: str | None, free: Sequence[str], kind: ItemKind
) -> str:  # fmt: skip
    """The column of labels: the one asked for, one with a common name, or the only one left."""
    columns = [name for name in frame.columns if not holds_bytes(frame[name])]
    if label is not None:
        require_column(frame[columns], label, path, "--label")
        return label
    if named := called(LABEL_COLUMNS + TEXT_LABEL_COLUMNS * (kind is not IMAGES), free):
        return named[0]
    other = [name for name in free if plain_name(name) not in IMAGE_COLUMNS]
    if len(free) == 1 or len(other) == 1:
        return (other or free)[0]
    raise DatasetError(
        f"it is not clear which column of {path} has the labels; its columns are {listed_columns(columns)}. "
        "Name it with --label NAME."
    )


def require_one_row_each(table: pd.DataFrame, path: Path | str, kind: ItemKind) -> pd.DataFrame:
    """The rows without repeated ones; DatasetError if an item has several labels or parts of a split."""
    again = table[table["path"].duplicated(keep=False) & (table["label"] != "")]
    for name, what in (("label", "label"), ("given_split", "part")):
        values = again[again[name] != ""].groupby("path")[name].unique()
        clash = values[values.map(len) > 1]
        if len(clash):
            raise DatasetError(
                f"{path} gives {clash.index[0]!r} {len(clash.iloc[0])} different {what}s ({listed(clash.iloc[0])})"
                f"{_and_others(len(clash) - 1, kind)}. Each {kind.name} can have only one {what}; keep one row for "
                "each."
            )
    # Of repeated rows, the first that has a label is kept.
    order = (table["label"] == "").sort_values(kind="stable").index
    return table.loc[order].drop_duplicates("path").sort_index()


def _and_others(n: int, kind: ItemKind) -> str:
    return f", and several to {n:,} other {kind.plural if n > 1 else kind.name}" if n else ""
