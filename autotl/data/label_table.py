"""A table of labels: its columns recognised by name and content, and one row per image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.file_lookup import Folder
from autotl.data.folder_layout import SPLIT_NAMES
from autotl.data.listing import IMAGE_SUFFIXES
from autotl.data.note import Note
from autotl.data.table_images import find_images, holds_images, sample, write_images
from autotl.data.tables import holds_bytes, listed, no_such_column, read_table
from autotl.errors import DatasetError
from autotl.runtime.progress import OnProgress

_IMAGE_COLUMNS = (
    "path", "image", "image_path", "imagepath", "file", "file_name", "filename", "filepath", "file_path", "img",
    "img_path", "image_file", "image_name", "image_id", "imageid", "image_bytes", "image_base64", "base64", "bytes",
    "photo", "picture", "name", "id",
)  # fmt: skip
_LABEL_COLUMNS = (
    "label", "labels", "class", "class_name", "classname", "label_name", "category", "target", "y", "species", "breed",
    "diagnosis", "dx", "tag", "variety", "type",
)  # fmt: skip
_SPLIT_COLUMNS = frozenset({"split", "subset", "partition", "set"})


@dataclass(frozen=True)
class Labels:
    """The labels in a table.

    root: the resolved folder that paths are relative to.
    rows: one per image, sorted by path, with the columns of `autotl.data.source.Source.table`.
    column: name of the column of labels.
    layout: how the table was understood. notes: what else there is to tell.
    """

    root: Path
    rows: pd.DataFrame
    column: str
    layout: str
    notes: tuple[Note, ...] = ()


def read_labels(
    path: Path, folder: Folder, *, label: str | None, cache: Path, progress: OnProgress | None = None
) -> Labels:
    """Read a table of labels, whose images are files in a folder or stored in the table itself.

    label: the column of labels; None recognises it by its name. cache, progress: for images stored in the table.
    Raises DatasetError where the table cannot be understood.
    """
    frame = read_table(path)
    if frame.empty:
        raise DatasetError(f"{path} has no rows. Add one for each image, with its path and its label.")
    texts = [name for name in frame.columns if not holds_bytes(frame[name])]
    image = _image_column(frame, folder, path, label=label)
    split = next((name for name in texts if name not in (image, label) and _is_split(frame[name])), "")
    column = _label_column(texts, path, label=label, taken=(image, split))
    if holds_images(frame[image]):
        found = write_images(frame[image], path, cache, progress)
    else:
        found = find_images(frame[image], folder)
    given = frame[split].str.strip().str.lower().map(SPLIT_NAMES).fillna("") if split else ""
    columns = {"path": found.paths, "label": label_text(frame[column]), "given_split": given, "missing": found.missing}
    others = frame[[name for name in texts if name not in (image, column, split)]].add_prefix("attribute.")
    table = pd.concat([pd.DataFrame(columns, index=frame.index), others], axis=1)
    rows = _one_row_each(table, path)
    layout = f"{path.name}, column {column!r}"
    if len(rows) < len(table):
        layout += f"; {len(table) - len(rows)} repeated rows dropped"
    return Labels(found.root, rows.sort_values("path", ignore_index=True), column, layout)


def label_text(column: pd.Series) -> pd.Series:
    """The labels as text, empty where there is none."""
    text = column.str.strip().replace({"nan": "", "NaN": ""})
    filled = text[text != ""]
    # A column of whole numbers with gaps is often written with decimals.
    if len(filled) and filled.str.fullmatch(r"-?\d+\.0+").all():
        return text.str.partition(".")[0]
    return text


def _image_column(frame: pd.DataFrame, folder: Folder, path: Path, *, label: str | None) -> str:
    """The column that names or stores the images, judged by its name and content."""
    columns = [name for name in frame.columns if name != label]
    named = _called(_IMAGE_COLUMNS, columns)
    for candidates, known in ((named, True), ([name for name in columns if name not in named], False)):
        shares: dict[str, float] = {}
        for name in candidates:
            shares[name] = _share_of_images(frame[name], folder, known=known)
            if shares[name] == 1:  # checking more columns could mean listing every folder
                return name
        if any(shares.values()):
            return max(shares, key=lambda name: shares[name])
    if named:
        raise DatasetError(
            f"{path} names no existing image: its column {named[0]!r} has {str(frame[named[0]].iloc[0])[:80]!r}, "
            f"which is not in {folder.root}. Give paths relative to that folder."
        )
    raise DatasetError(
        f"{path} has no column that names the images; its columns are {listed(frame.columns)}. "
        "Add a column `path` with the images' paths relative to the table."
    )


def _label_column(columns: Sequence[str], path: Path, *, label: str | None, taken: Iterable[str]) -> str:
    """The column of labels: the one asked for, one with a common name, or the only one left."""
    if label is not None:
        if label not in columns:
            raise DatasetError(no_such_column(label, columns, path))
        return label
    free = [name for name in columns if name not in taken]
    if named := _called(_LABEL_COLUMNS, free):
        return named[0]
    other = [name for name in free if _plain(name) not in _IMAGE_COLUMNS]
    if len(free) == 1 or len(other) == 1:
        return (other or free)[0]
    raise DatasetError(
        f"it is not clear which column of {path} has the labels; its columns are {listed(columns)}. "
        "Name it with --label NAME."
    )


def _is_split(column: pd.Series) -> bool:
    """Whether a column has a common name for a split, and contains only parts of a split."""
    if _plain(str(column.name)) not in _SPLIT_COLUMNS:
        return False
    values = set(column.str.strip().str.lower()) - {""}
    return bool(values) and values <= SPLIT_NAMES.keys()


def _one_row_each(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    again = table[table["path"].duplicated(keep=False) & (table["label"] != "")]
    labels = again.groupby("path")["label"].unique()
    clash = labels[labels.map(len) > 1]
    if len(clash):
        raise DatasetError(
            f"{path} gives {clash.index[0]!r} {len(clash.iloc[0])} different labels ({listed(clash.iloc[0])})"
            f"{_and_others(len(clash) - 1)}. Each image can have only one label; keep one row for each."
        )
    # Of repeated rows, the first that has a label is kept.
    order = (table["label"] == "").sort_values(kind="stable").index
    return table.loc[order].drop_duplicates("path").sort_index()


def _and_others(n: int) -> str:
    return f", and several labels to {n:,} other image{'s' if n > 1 else ''}" if n else ""


def _share_of_images(column: pd.Series, folder: Folder, *, known: bool) -> float:
    if holds_images(column):
        return 1.0
    names = sample(column)
    if not known:  # a class may have the same name as a file's stem
        names = names[names.str.lower().str.endswith(tuple(IMAGE_SUFFIXES))]
    found = [bool(folder.find(name.strip())) for name in names]
    return sum(found) / len(found) if found else 0.0


def _called(wanted: Iterable[str], columns: Sequence[str]) -> list[str]:
    """The columns that have one of the wanted names, in the order of these names."""
    return [column for name in wanted for column in columns if _plain(column) == name]


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().lower())
