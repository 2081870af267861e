"""Where the images lie and what is said of them, whatever the data's shape: folders, tables or archives of these.

No image is opened here, and nothing is ever written beside the data.
"""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from autotl.cache.content_folders import unpacked_once
from autotl.data.archives.unpack import is_archive, unpack
from autotl.data.file_lookup import Folder
from autotl.data.folder_layout import SPLIT_NAMES, UNLABELLED, are_splits, read_folders
from autotl.data.hashing import find_copies
from autotl.data.label_table import label_text, read_labels
from autotl.data.listing import IMAGE_SUFFIXES, TABLE_SUFFIXES, ignored_kinds, top_folders
from autotl.data.table_images import Progress
from autotl.data.tables import column_names, listed, no_such_column, read_side_table
from autotl.errors import DatasetError


@dataclass(frozen=True)
class Source:
    """Where the images are and what is said of them, before any is opened.

    root: the resolved folder that paths are relative to.
    table: one row per image, sorted by path, all text: path (posix, relative to root, or absolute), label (empty:
        unlabelled), given_split (empty, train, validation or test), missing (empty, or why a row of a table has no
        file), then one column `attribute.NAME` per attribute (empty: absent).
    ignored: number of other files by kind: "hidden", "system", "*.txt", ...; a hidden folder counts once.
    layout: one plain sentence that says how the data were understood.
    label: name of the column that holds the labels, empty for folders.
    """

    root: Path
    table: pd.DataFrame
    ignored: Mapping[str, int]
    layout: str
    label: str

    @cached_property
    def copies(self) -> frozenset[str]:
        """Paths of the images whose very content lies at another path too."""
        return find_copies(self.root, list(self.table["path"][self.table["missing"] == ""]))


@dataclass(frozen=True)
class _Request:
    """What `open_source` was asked for."""

    data: Path
    label: str | None
    attributes: Path | None
    cache: Path
    progress: Progress | None


def open_source(
    data: Path,
    *,
    label: str | None = None,
    attributes: Path | None = None,
    cache: Path,
    need_labels: bool = True,
    progress: Progress | None = None,
) -> Source:
    """Find the images of a data set and what is said of them.

    data: a folder with one sub-folder per class (nested folders belong to the class above), which may lie in the
        folders train, validation and test or hold them; a folder of images with one table of labels (CSV, TSV or
        Parquet); such a table itself, whose images are files or lie in it as bytes or base64; or a zip or tar of any
        of these.
    label: the column of the labels, in the table or in `attributes`; None recognises it by its name.
    attributes: a table with the column `path`; every other column is kept as an attribute.
    cache: folder below which archives and images held in tables are unpacked, once per content.
    need_labels: whether images without a single label among them are refused.
    Raises DatasetError where the data cannot be understood.
    """
    request = _Request(data, label, attributes, cache, progress)
    _require_data(data)
    if data.is_dir():
        source = _open_folder(request, Folder(data.resolve()))
    elif data.suffix.lower() in TABLE_SUFFIXES:
        root = data.parent.resolve()
        source = _split_by_folders(_from_table(request, Folder(root, lenient=True), root / data.name))
    else:
        source = _open_folder(request, _stepped_in(_unpack_archive(request)))
        source = replace(source, layout=f"{data.name}: {source.layout}")
    if attributes:
        source = _with_attributes(source, attributes, label)
    if need_labels or source.table.empty:
        _require_labels(source, data)
    return source


def _require_data(data: Path) -> None:
    wanted = (
        "a folder that holds one sub-folder of images per class, a zip or tar of one, "
        "or a table of labels (CSV, TSV or Parquet)"
    )
    if not data.exists():
        raise DatasetError(f"{data} does not exist. Give {wanted}.")
    if data.suffix.lower() in {".xlsx", ".xls", ".ods"}:
        raise DatasetError(f"{data} is a spreadsheet; save its sheet of labels as CSV and give that.")
    if data.is_dir():
        return
    # A pipe would block for ever.
    regular = stat.S_ISREG(data.stat().st_mode)
    if not regular or not (data.suffix.lower() in TABLE_SUFFIXES or is_archive(data)):
        raise DatasetError(f"{data} is a file; {wanted} is needed.")


def _require_labels(source: Source, data: Path) -> None:
    if (source.table["label"] != "").any():
        return
    if source.label:
        raise DatasetError(
            f"the column {source.label!r} of the labels is empty for all {len(source.table)} images of {data}. "
            "Fill it in, or name another one with --label NAME."
        )
    outside = f"{len(source.table)} images outside of them, " if len(source.table) else ""
    kinds = f": {ignored_kinds(source.ignored)}" if source.ignored else ""
    raise DatasetError(
        f"{data} has no images in class folders ({outside}{sum(source.ignored.values())} other files{kinds}). "
        f"Put the images of each class into a sub-folder named after the class, or put a table of labels (CSV, TSV or "
        f"Parquet) beside them; understood are {', '.join(sorted(IMAGE_SUFFIXES))}."
    )


def _unpack_archive(request: _Request) -> Folder:
    def whole(folder: Path) -> dict[str, str]:
        return unpack(request.data, folder, progress=request.progress)

    folder, renamed = unpacked_once(request.data, request.cache, whole)
    return Folder(folder, sealed=True, renamed=renamed)


def _stepped_in(folder: Folder) -> Folder:
    """Go into the folders that only wrap what an archive holds, such as photos/photos/cat."""
    while True:
        tables = folder.files.tables
        files = folder.files.images or tables
        folders = top_folders(files)
        loose = any("/" not in path for path in (*files, *tables))
        if loose or len(folders) != 1 or (top := folders.pop()).lower() in SPLIT_NAMES.keys() | UNLABELLED:
            return folder
        # A folder that holds nothing but images is a class, or belongs to a table.
        deeper = any(path.count("/") > 1 for path in files)
        if not deeper and not any(path.startswith(f"{top}/") for path in tables):
            return folder
        folder = folder.inner(top)


def _open_folder(request: _Request, folder: Folder) -> Source:
    tables = _own_tables(request, folder)
    if labels := _table_of_labels(request, folder, tables):
        return _split_by_folders(_with_the_rest(_from_table(request, folder, labels), folder, labels.name))
    if request.label is not None and request.attributes is None:
        found = [no_such_column(request.label, column_names(path), path) for path in tables]
        raise DatasetError(
            f"--label {request.label!r} names a column, and no table at the top of {request.data} has it. "
            f"{' '.join(found) or 'Leave it away where folders are the classes, or give such a table.'}"
        )
    tops = set(folder.tops)
    # A folder around split folders can be no class.
    if len(tops) == 1 and not are_splits(tops) and all("/" in path for path in folder.files.images):
        inner = folder.inner(tops.pop())
        folder = inner if are_splits(inner.tops) else folder
    files = folder.files
    names = read_folders(files.images)
    columns = {"path": files.images, "label": names.labels, "given_split": names.splits, "missing": ""}
    ignored = files.ignored + _kinds(files.tables)
    layout = names.layout
    if tables:
        layout += f"; {listed(path.name for path in tables)} not read for labels (--label COLUMN would)"
    return Source(folder.root, pd.DataFrame(columns, dtype=str), ignored, layout, label="")


def _own_tables(request: _Request, folder: Folder) -> list[Path]:
    other = request.attributes.resolve() if request.attributes else None
    paths = [folder.root / name for name in folder.files.tables if "/" not in name]
    return [path for path in paths if path.resolve() != other]


def _table_of_labels(request: _Request, folder: Folder, tables: list[Path]) -> Path | None:
    """The table at the folder's top that holds the labels, none where folders tell them."""
    # Split folders may hold the images that a table labels; if they hold class folders, these tell the labels.
    deepest = max((path.count("/") for path in folder.files.images), default=0)
    classes = deepest > 1 if are_splits(folder.tops) else len(folder.tops) > 1
    if len(tables) == 1 and not classes:
        return tables[0]
    if request.label is not None:
        tables = [path for path in tables if request.label in column_names(path)]
    elif classes:
        return None
    if len(tables) > 1:
        raise DatasetError(
            f"{request.data} has {len(tables)} tables that may hold the labels "
            f"({listed(path.name for path in tables)}). Give the right one itself as the data, or take the others away."
        )
    return tables[0] if tables else None


def _from_table(request: _Request, folder: Folder, path: Path) -> Source:
    # A label that the table does not have may stand in the attributes.
    label = None if request.attributes and request.label not in column_names(path) else request.label
    found = read_labels(path, folder, label=label, cache=request.cache, progress=request.progress)
    return Source(found.root, found.rows, {}, found.layout, found.column)


def _with_the_rest(source: Source, folder: Folder, table: str) -> Source:
    """Add what lies in the folder and its table does not name: unlabelled images, and other files."""
    images = folder.files.images
    ignored = folder.files.ignored + _kinds(name for name in folder.files.tables if name != table)
    if source.root != folder.root:  # the table holds the images
        return replace(source, ignored=ignored + _kinds(images))
    named = set(source.table["path"])
    rest = pd.DataFrame({"path": [path for path in images if path not in named]}, dtype=str)
    rows = pd.concat([source.table, rest.reindex(columns=source.table.columns, fill_value="")])
    return replace(source, table=rows.sort_values("path", ignore_index=True), ignored=ignored)


def _split_by_folders(source: Source) -> Source:
    """Take the split from the folders, where a table gives the labels and tells no split."""
    table = source.table
    if (table["given_split"] != "").any():
        return source
    paths = table["path"][table["missing"] == ""]
    names = read_folders(paths)
    if not names.split_by:
        return source
    given = pd.Series(names.splits, index=paths.index, dtype=str).reindex(table.index, fill_value="")
    return replace(
        source, table=table.assign(given_split=given), layout=f"{source.layout}; split by the {names.split_by}"
    )


def _with_attributes(source: Source, path: Path, label: str | None) -> Source:
    table = source.table
    extra = read_side_table(path, table["path"]).set_index("path").add_prefix("attribute.")
    if label is not None and source.label != label:
        if f"attribute.{label}" not in extra:
            columns = [name.removeprefix("attribute.") for name in extra.columns]
            raise DatasetError(no_such_column(label, columns, path))
        labels = table["path"].map(label_text(extra.pop(f"attribute.{label}"))).fillna("")
        if (table["label"] != "").any():
            table = table.assign(**{f"attribute.{source.label or 'folder'}": table["label"]})
        table = table.assign(label=labels)
        layout = f"{source.layout}; labels from {path.name}, column {label!r}"
        source = replace(source, label=label, layout=layout)
    twice = sorted(set(extra.columns) & set(table.columns))
    if twice:
        name = twice[0].removeprefix("attribute.")
        raise DatasetError(f"the attribute {name!r} of {path} is there already. Rename the column.")
    return replace(source, table=table.join(extra, on="path").fillna(""))


def _kinds(paths: Iterable[str]) -> Counter[str]:
    return Counter("*" + Path(path).suffix.lower() for path in paths)
