"""One table of labels for each part of a split: train/labels.csv and val/labels.csv, or train.csv and test.csv."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from autotl.data.file_lookup import Folder
from autotl.data.folder_names import part_in
from autotl.data.label_table import Labels, labels_layout, read_labels, read_unlabelled, require_one_row_each
from autotl.data.listing import Files
from autotl.data.tables import column_names
from autotl.errors import DatasetError
from autotl.runtime.progress import OnProgress
from autotl.runtime.wording import listed


@dataclass(frozen=True)
class PartTable:
    """A table with the labels of one part. name: its path in the data, posix. part: train, validation or test."""

    name: str
    part: str


def find_part_tables(tables: Sequence[str], *, columns: Sequence[str], root: Path) -> list[PartTable]:
    """The tables of the parts of a split, train among them; none where there are no such tables.

    tables: all in the folder, posix. columns: that those for training must have, as they are asked for. Raises
    DatasetError if a part has several tables.
    """
    top = [name for name in tables if "/" not in name]
    parts = _by_name(top or tables)
    if not parts and not top:
        parts = _by_folder(tables)
    train = [table for table in parts if table.part == "train"]
    if columns and not all({*columns} <= {*column_names(root / table.name)} for table in train):
        return []
    return parts if train else []


def read_part_tables(
    tables: Sequence[PartTable],
    folder: Folder,
    *,
    label: str | None,
    text: str | None = None,
    image: str | None = None,
    several: bool = False,
    cache: Path,
    progress: OnProgress | None,
) -> Labels:
    """The labels in all of them, each item with its part. Raises DatasetError as `read_labels` does.

    A table without the column of labels gives items to classify, as those of a competition's test.
    """
    first = min(tables, key=lambda table: table.part != "train")
    read: dict[PartTable, Labels] = {}
    for table in [first, *(table for table in tables if table != first)]:
        path, within = folder.root / table.name, _images_of(table, folder)
        if read and label is not None and label not in column_names(path):
            read[table] = read_unlabelled(path, within, text=text, image=image, cache=cache, progress=progress)
        else:
            read[table] = read_labels(
                path, within, label=label, text=text, image=image, several=several, cache=cache, progress=progress
            )  # fmt: skip
            label = read[table].column or None  # None: each table has one column per class
        text, image = read[table].text, read[table].image
    return _joined(read, folder, label or "")


def _by_name(tables: Sequence[str]) -> list[PartTable]:
    """Tables in one folder that are called like the parts of a split; at least two parts."""
    found = [PartTable(name, part) for name in tables if (part := part_in(Path(name).stem))]
    folders = {name.rpartition("/")[0] for name in tables}
    return found if len(folders) == 1 and len({table.part for table in found}) > 1 else []


def _by_folder(tables: Sequence[str]) -> list[PartTable]:
    """Tables in folders that are called like the parts of a split."""
    found = [PartTable(name, part) for name in tables if (part := part_in(name.split("/")[0]))]
    if len(found) > len({table.name.split("/")[0] for table in found}):
        # Of several, those of one name are meant.
        names = [Path(table.name).name for table in found]
        common = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if len(common) != 1:
            raise DatasetError(
                f"the parts of the split have several tables that may contain the labels "
                f"({listed((table.name for table in found), most=5)}). Name the column with --label NAME in one table, "
                "or move the others away."
            )
        found = [table for table in found if Path(table.name).name == common[0]]
    return found


def _images_of(table: PartTable, folder: Folder) -> Folder:
    """The folder with the images of the same part only, where there are folders of that part."""
    images = [path for path in folder.files.items if any(part_in(name) == table.part for name in path.split("/")[:-1])]
    known = Files(images, [], folder.files.ignored) if images else folder.files
    return replace(folder, known=known, near=table.name.rpartition("/")[0])


def _joined(read: Mapping[PartTable, Labels], folder: Folder, label: str) -> Labels:
    first = next(iter(read.values()))
    _require_one_kind(read)
    roots = {labels.root for labels in read.values()}
    root = folder.root if roots == {folder.root} else Path(os.path.commonpath(roots))
    rows = []
    for table, labels in read.items():
        given = labels.rows["given_split"]
        inside = labels.root.relative_to(root).as_posix()
        paths = labels.rows["path"]
        if inside != ".":
            paths = paths.map(lambda path, inside=inside: path if Path(path).is_absolute() else f"{inside}/{path}")
        rows.append(labels.rows.assign(path=paths, given_split=given.where(given != "", table.part)))
    together = pd.concat(rows, ignore_index=True).fillna("")
    names = listed((table.name for table in read), most=4)
    unique = require_one_row_each(together, names, first.kind)
    layout = f"{names}, {labels_layout(first.item_layout, label)}; split by the tables"
    if len(unique) < len(together):
        layout += f"; {len(together) - len(unique)} repeated rows dropped"
    notes = tuple(dict.fromkeys(note for labels in read.values() for note in labels.notes))
    joined = unique.sort_values("path", ignore_index=True)
    return Labels(root, joined, label, layout, notes, first.kind, first.text, first.image)


def _require_one_kind(read: Mapping[PartTable, Labels]) -> None:
    """Raise DatasetError if the tables give items of several kinds."""
    kinds = {labels.kind.name: f"{table.name} gives {labels.kind.plural}" for table, labels in read.items()}
    if len(kinds) > 1:
        raise DatasetError(
            f"the tables of the parts of the split give items of several kinds: {listed(kinds.values())}. Name the "
            "column of texts with --text NAME, or give one of the tables as the data."
        )
