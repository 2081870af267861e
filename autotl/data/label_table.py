"""A table of labels: its columns recognised by name and content, and one row per image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.column_words import IMAGE_COLUMNS, LABEL_COLUMNS, called, is_known, plain_name
from autotl.data.file_lookup import Folder
from autotl.data.label_words import label_notes, label_text
from autotl.data.listing import IMAGE_SUFFIXES
from autotl.data.note import Note
from autotl.data.one_hot import GivenLabels, read_one_hot
from autotl.data.patch import EXCLUDED
from autotl.data.split_column import read_split
from autotl.data.table_images import find_images, holds_images, sample, write_images
from autotl.data.tables import holds_bytes, no_such_column, read_table
from autotl.errors import DatasetError
from autotl.runtime.progress import OnProgress
from autotl.runtime.wording import listed


@dataclass(frozen=True)
class Labels:
    """The labels in a table.

    root: the resolved folder that paths are relative to.
    rows: one per image, sorted by path, with the columns of `autotl.data.source.Source.table`.
    column: name of the column of labels; empty where there is one per class.
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
    return _read_labels(path, folder, label=label, need_label=True, cache=cache, progress=progress)


def read_unlabelled(path: Path, folder: Folder, *, cache: Path, progress: OnProgress | None = None) -> Labels:
    """Read a table of images without labels; see `read_labels`."""
    return _read_labels(path, folder, label=None, need_label=False, cache=cache, progress=progress)


def _read_labels(
    path: Path, folder: Folder, *, label: str | None, need_label: bool, cache: Path, progress: OnProgress | None
) -> Labels:
    frame = read_rows(path, folder)
    texts = [name for name in frame.columns if not holds_bytes(frame[name])]
    image = image_column(frame, folder, path, label=label)
    split = read_split(frame, [name for name in texts if name not in (image, label)], path.name)
    free = [name for name in texts if name not in (image, *split.columns)]
    given = _find_labels(frame, texts, path, label=label, free=free) if need_label else _no_labels(frame)
    labels = given.labels
    stored = holds_images(frame[image])
    found = write_images(frame[image], path, cache, progress) if stored else find_images(frame[image], folder)
    missing = pd.Series(found.missing, index=frame.index, dtype=object)
    split = split.of_labelled(labels != "", path.name)
    left_out = (f"{EXCLUDED} by {path.name}: " + split.left_out).where(split.left_out != "", "")
    columns = {
        "path": found.paths, "label": labels, "given_split": split.parts,
        "missing": missing.where(missing != "", left_out),
    }  # fmt: skip
    others = frame[[name for name in free if name not in given.columns]].add_prefix("attribute.")
    table = pd.concat([pd.DataFrame(columns, index=frame.index), others], axis=1)
    rows = require_one_row_each(table, path)
    column = given.columns[0] if len(given.columns) == 1 else ""
    layout = f"{path.name}, {'which has no header, ' * (frame.columns[0] == 'column 1')}{column_text(column)}"
    if split.columns:
        layout += f"; split by the column{'s'[: len(split.columns) > 1]} {listed(map(repr, split.columns))}"
    if len(rows) < len(table):
        layout += f"; {len(table) - len(rows)} repeated rows dropped"
    notes = (*split.notes, *given.notes, *found.notes)
    return Labels(found.root, rows.sort_values("path", ignore_index=True), column, layout, notes)


def read_rows(path: Path, folder: Folder) -> pd.DataFrame:
    """The table, with at least one row; a first row that names an image of the folder is data, not a header."""
    frame = read_table(path)
    names = list(frame.columns)
    if names and not any(is_known(name) for name in names) and any(folder.find(name) for name in names):
        frame = read_table(path, header=False)
    if frame.empty:
        raise DatasetError(f"{path} has no rows. Add one for each image, with its path and its label.")
    return frame


def image_column(frame: pd.DataFrame, folder: Folder, path: Path, *, label: str | None) -> str:
    """The column that names or stores the images, judged by its name and content."""
    columns = [name for name in frame.columns if name != label]
    named = called(IMAGE_COLUMNS, columns)
    for candidates, known in ((named, True), ([name for name in columns if name not in named], False)):
        shares: dict[str, float] = {}
        for name in candidates:
            shares[name] = _share_of_images(frame[name], folder, known=known)
            if shares[name] == 1:  # checking more columns could mean listing every folder
                return name
        if any(shares.values()):
            return max(shares, key=lambda name: shares[name])
    if named:
        raise DatasetError(_no_image(named[0], frame[named[0]], folder, path))
    raise DatasetError(
        f"{path} has no column that names the images; its columns are {listed(frame.columns, most=20)}. "
        "Add a column `path` with the images' paths relative to the table."
    )


def _no_image(name: str, column: pd.Series, folder: Folder, path: Path) -> str:
    """The message for a column that should name the images, and names no single one."""
    first = str(column.iloc[0])[:80]
    several = folder.candidates(first.strip())
    if len(several) > 1:
        return (
            f"{path} names no image without doubt: its column {name!r} has {first!r}, and {len(several):,} images are "
            f"called so ({listed(several, most=3)}). Give their paths with the folders."
        )
    return (
        f"{path} names no existing image: its column {name!r} has {first!r}, which is not in {folder.root}. Give paths "
        "relative to that folder."
    )


def column_text(column: str) -> str:
    """How a layout names the column of labels; empty where each class has one."""
    return f"column {column!r}" if column else "one column per class"


def _find_labels(
    frame: pd.DataFrame, columns: Sequence[str], path: Path, *, label: str | None, free: Sequence[str]
) -> GivenLabels:
    if label is None and (one_hot := read_one_hot(frame, free, path.name)):
        return one_hot
    column = _label_column(columns, path, label=label, free=free)
    return GivenLabels((column,), label_text(frame[column]), label_notes(frame[column], path.name))


def _no_labels(frame: pd.DataFrame) -> GivenLabels:
    return GivenLabels((), pd.Series("", index=frame.index))


def _label_column(columns: Sequence[str], path: Path, *, label: str | None, free: Sequence[str]) -> str:
    """The column of labels: the one asked for, one with a common name, or the only one left."""
    if label is not None:
        if label not in columns:
            raise DatasetError(no_such_column(label, columns, path))
        return label
    if named := called(LABEL_COLUMNS, free):
        return named[0]
    other = [name for name in free if plain_name(name) not in IMAGE_COLUMNS]
    if len(free) == 1 or len(other) == 1:
        return (other or free)[0]
    raise DatasetError(
        f"it is not clear which column of {path} has the labels; its columns are {listed(columns, most=20)}. "
        "Name it with --label NAME."
    )


def require_one_row_each(table: pd.DataFrame, path: Path | str) -> pd.DataFrame:
    """The rows without repeated ones; DatasetError where an image has several labels or parts of a split."""
    again = table[table["path"].duplicated(keep=False) & (table["label"] != "")]
    for name, what in (("label", "label"), ("given_split", "part")):
        values = again[again[name] != ""].groupby("path")[name].unique()
        clash = values[values.map(len) > 1]
        if len(clash):
            raise DatasetError(
                f"{path} gives {clash.index[0]!r} {len(clash.iloc[0])} different {what}s ({listed(clash.iloc[0])})"
                f"{_and_others(len(clash) - 1)}. Each image can have only one {what}; keep one row for each."
            )
    # Of repeated rows, the first that has a label is kept.
    order = (table["label"] == "").sort_values(kind="stable").index
    return table.loc[order].drop_duplicates("path").sort_index()


def _and_others(n: int) -> str:
    return f", and several to {n:,} other image{'s' if n > 1 else ''}" if n else ""


def _share_of_images(column: pd.Series, folder: Folder, *, known: bool) -> float:
    if holds_images(column):
        return 1.0
    names = sample(column)
    if not known:  # a class may have the same name as a file's stem
        names = names[names.str.lower().str.endswith(tuple(IMAGE_SUFFIXES))]
    found = [bool(folder.find(name.strip())) for name in names]
    return sum(found) / len(found) if found else 0.0
