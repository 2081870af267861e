"""Opening data of any layout (folders, tables, archives of these): where the items, labels and attributes are.

No item is decoded here, and nothing is written beside the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from autotl.cache.content_folders import unpacked_once
from autotl.data.archives.unpack import unpack
from autotl.data.clip_folders import about_unread_clips, folder_of_clips, why_no_class
from autotl.data.file_lookup import Folder
from autotl.data.folder_layout import FolderNames, read_folders
from autotl.data.folder_names import is_doubtful, is_part, is_unlabelled, part_in
from autotl.data.given_data import is_table, require_data
from autotl.data.item_column import find_item_column
from autotl.data.item_columns import NO_IMAGES
from autotl.data.item_files import by_files, named_by
from autotl.data.item_kinds import CLIPS, IMAGES, KINDS, TEXTS
from autotl.data.label_table import Labels, read_labels
from autotl.data.label_words import label_text
from autotl.data.layout_notes import about_unread_images, about_unread_texts
from autotl.data.listing import JSON_LINES_SUFFIXES, ignored_kinds, mostly_texts, top_folders
from autotl.data.located_items import Source as Source
from autotl.data.measurements import require_classes
from autotl.data.named_classes import read_named_classes
from autotl.data.part_tables import PartTable, find_part_tables, read_part_tables
from autotl.data.tables import column_names, no_such_column, read_side_table, read_table
from autotl.data.target_labels import as_target
from autotl.data.unread_labels import about_unread_labels
from autotl.errors import DatasetError
from autotl.runtime.progress import OnProgress
from autotl.runtime.wording import listed
from autotl.targets import CLASSES, LABELS, ORDERED, Kind

TEXT_FILES = "files"
"""What `text` is for the text files of a folder that holds images, too."""
_PEEKED_ROWS = 20


@dataclass(frozen=True)
class _Request:
    """The arguments of `open_source`."""

    data: Path
    label: str | None
    attributes: Path | None
    cache: Path
    progress: OnProgress | None
    classes: tuple[str, ...]
    text: str | None
    image: str | None
    several: bool = False

    @property
    def items(self) -> Mapping[str, str]:
        """The columns of items that were asked for, by the option."""
        given = {"--text": self.text, "--image": self.image if self.image != NO_IMAGES else None}
        return {option: name for option, name in given.items() if name is not None}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that were asked for."""
        return (*filter(None, (self.label,)), *self.items.values())


def open_source(
    data: Path,
    *,
    label: str | None = None,
    text: str | None = None,
    image: str | None = None,
    classes: Sequence[str] = (),
    attributes: Path | None = None,
    cache: Path,
    need_labels: bool = True,
    progress: OnProgress | None = None,
    kind: Kind = "classes",
    order: Sequence[str] = (),
) -> Source:
    """Find the items of a dataset, their labels and their attributes.

    They are images, or clips or texts where there is no image; pairs of images and texts if `text` names a column of a
    table of images.

    data: a folder with one sub-folder per class (nested folders belong to the class above), which may be inside the
        folders train, validation and test or contain them; a folder of items with one table of labels (CSV, TSV,
        Parquet or JSON lines); such a table itself, whose items are files or stored in it, images as bytes or base64;
        or a zip or tar of any of these.
    classes: names of the folders that are the classes, wherever they are; none: the layout tells them.
    label: the column of labels, in the table or in `attributes`; None recognises it by its name.
    text: the column of texts, or of the names of text files; None recognises it in a table that has no images.
        `TEXT_FILES`: the text files of a folder, where there are images, too.
    image: the column of images; None recognises it. `NO_IMAGES`: the texts alone are the items. See `clip_folders` for
        `CLIP_FILES` and `FRAME_FOLDERS`.
    attributes: a table with the column `path`; every other column becomes an attribute.
    cache: folder below which archives and items stored in tables are unpacked, once per content.
    need_labels: whether to refuse data without any label. kind: of the target, see `autotl.targets`. order: of ordered
        classes, from low to high, empty if their names tell it; `given_order.require_order` compares it with the data.
    Raises DatasetError if the data cannot be understood.
    """
    request = _Request(data, label, attributes, cache, progress, tuple(classes), text, image, kind == LABELS)
    require_data(data)
    if data.is_dir():
        source = _open_folder(request, Folder(data.resolve()))
    elif is_table(data):
        if classes:
            raise DatasetError(
                f"--classes names folders that are classes, but {data} is a table. Leave the option out."
            )
        root = data.parent.resolve()
        source = _split_by_folders(_from_table(request, Folder(root, lenient=True), root / data.name))
    else:
        source = _open_folder(request, _unpack_archive(request))
        source = replace(source, layout=f"{data.name}: {source.layout}")
    if attributes:
        source = _with_attributes(source, attributes, label)
    source = as_target(source, kind, data.name, order)
    if need_labels or source.table.empty:
        _require_labels(source, data)
    return source


def _require_labels(source: Source, data: Path) -> None:
    kind = KINDS[source.modality]
    if (source.table["label"] != "").any():
        where = (
            f"the column {source.label!r} of {data}"
            if source.label
            else f"{data}, by the names of its folders or columns,"
        )
        if source.kind in (CLASSES, ORDERED):
            require_classes(source.table["label"], where, kind)
        return
    if source.label:
        raise DatasetError(
            f"the column of labels {source.label!r} is empty for all {len(source.table)} {kind.plural} of {data}. "
            "Fill it in, or give another one with --label NAME."
        )
    if frames := why_no_class(data, list(source.table["path"])):
        raise DatasetError(frames)
    outside = f"{kind.of(len(source.table))} outside of them, " if len(source.table) else ""
    kinds = f": {ignored_kinds(source.ignored)}" if source.ignored else ""
    read = f", read as: {source.layout}" if source.layout != read_folders((), kind).layout else ""
    raise DatasetError(
        f"{data} has no {kind.plural} in class folders ({outside}{sum(source.ignored.values())} other files{kinds})"
        f"{read}. Put the {kind.plural} of each class into a sub-folder named after the class, or put a table of "
        "labels (CSV, TSV, Parquet or JSON lines) beside them; supported are "
        f"{', '.join(sorted(IMAGES.suffixes))}, for texts {', '.join(sorted(TEXTS.suffixes))}, and for clips "
        f"{', '.join(sorted(CLIPS.suffixes))}."
    )


def _unpack_archive(request: _Request) -> Folder:
    unpack_whole = partial(unpack, request.data, progress=request.progress)
    unpacked = unpacked_once(request.data, request.cache, unpack_whole)
    return Folder(unpacked.folder, sealed=True, renamed=unpacked.notes)


def _innermost(folder: Folder) -> Folder:
    """Descend into folders that only wrap the others, such as photos/photos/cat."""
    while True:
        tables = folder.files.tables
        files = folder.files.items or tables
        folders = top_folders(files)
        loose = any("/" not in path for path in (*files, *tables))
        if loose or len(folders) != 1 or is_part(top := folders.pop()) or is_unlabelled(top):
            return folder
        if tables and not any(path.startswith(f"{top}/") for path in tables):
            return folder  # they may be about the images
        # A folder that contains only images is a class, or belongs to a table; so does one with a folder among them.
        within = [path.removeprefix(f"{top}/") for path in files]
        wraps = top_folders(within) if all("/" in path for path in within) else len(top_folders(within)) > 1
        if not wraps and not any(path.startswith(f"{top}/") for path in tables):
            return folder
        folder = folder.inner(top)


def _open_folder(request: _Request, given: Folder) -> Source:
    request, given = _of_one_kind(request, given)
    folder = given if request.classes else _innermost(given)
    if request.classes:
        names = read_named_classes(folder.files.items, request.classes, folder.holds)
        return _from_folders(folder, names, names.layout)
    tables = _own_tables(request, folder)
    if parts := _tables_of_parts(request, folder, tables):
        return _with_unlisted_files(_from_parts(request, folder, parts), folder, *(part.name for part in parts))
    if labels := _table_of_labels(request, folder, tables):
        return _split_by_folders(_with_unlisted_files(_from_table(request, folder, labels), folder, labels.name))
    for option, column in request.items.items():
        raise _no_table_with(request, tables, option, column)
    if request.image == NO_IMAGES and folder.holds is IMAGES:
        raise DatasetError(
            f"--image {NO_IMAGES} leaves the images of {request.data} out, and it has no table of texts. Leave it out "
            f"to learn from the images; --text {TEXT_FILES} takes the text files."
        )
    if request.label is not None and request.attributes is None:
        raise _no_table_with(request, tables, "--label", request.label)
    files = folder.files
    names = read_folders(files.items, folder.holds, unusable=files.unusable)
    layout = names.layout
    if folder is not given:
        layout = f"in {folder.root.relative_to(given.root).as_posix()}: {layout}"
    if tables:
        layout += f"; {listed(path.name for path in tables)} not read for labels (--label COLUMN would)"
    source = _from_folders(folder, names, layout)
    unread = filter(None, (about_unread_labels(path, set(names.labels)) for path in tables))
    return replace(source, notes=(*source.notes, *unread))


def _no_table_with(request: _Request, tables: Sequence[Path], option: str, column: str) -> DatasetError:
    found = " ".join(no_such_column(column, column_names(path), path, option) for path in tables)
    files = f"; {option} {TEXT_FILES} takes the text files" * (option == "--text")
    return DatasetError(
        f"no table at the top of {request.data} has the column {column!r} given with {option}. "
        f"{found or f'Omit {option} if the folders are the classes, or add such a table{files}.'}"
    )


def _from_folders(folder: Folder, names: FolderNames, layout: str) -> Source:
    files = folder.files
    columns = {"path": files.items, "label": names.labels, "given_split": names.splits, "missing": ""}
    if files.unread:
        layout += f"; not read: {listed(dict.fromkeys(name.rpartition('/')[2] for name in files.unread))}"
    ignored = files.ignored + _kinds(files.tables)
    notes = (*names.notes, *about_unread_images(files.ignored))
    if folder.holds is IMAGES:
        notes += (*about_unread_texts(files.ignored, len(files.items)), *about_unread_clips(files.ignored))
    table = pd.DataFrame(columns, dtype=str)
    return Source(folder.root, table, ignored, layout, label="", notes=notes, modality=folder.holds.name)


def _of_one_kind(request: _Request, folder: Folder) -> tuple[_Request, Folder]:
    """The folder with the kind of items that it is about: images, or clips or texts where there is none, or what is
    asked for.

    Also the request, without `text` or `image` where it asks for files.
    """
    clips = folder_of_clips(folder, request.image, request.cache) if request.text is None else None
    if clips:
        return replace(request, image=None), clips
    if request.text is not None:
        columns = {name for table in folder.files.tables for name in column_names(folder.root / table)}
        if request.text != TEXT_FILES or TEXT_FILES in columns:
            return request, folder
        return replace(request, text=None), folder.holding(TEXTS)
    if not mostly_texts(folder.files) or any(_gives_images(folder, name) for name in folder.files.tables):
        return request, folder
    texts = folder.holding(TEXTS)
    return request, texts if texts.files.items else folder


def _gives_images(folder: Folder, table: str) -> bool:
    """Whether the first rows of a table name images anywhere, or hold them."""
    path = folder.root / table
    try:
        return find_item_column(read_table(path, rows=_PEEKED_ROWS), folder, path).kind is IMAGES
    except DatasetError:
        return False


def _likely_tables(request: _Request, folder: Folder) -> list[str]:
    """The tables in a folder that may have labels: JSON lines beside other tables are mostly captions or answers."""
    if request.text is not None:
        return folder.files.tables
    others = [name for name in folder.files.tables if Path(name).suffix.lower() not in JSON_LINES_SUFFIXES]
    return others or folder.files.tables


def _own_tables(request: _Request, folder: Folder) -> list[Path]:
    other = request.attributes.resolve() if request.attributes else None
    paths = [folder.root / name for name in _likely_tables(request, folder) if "/" not in name]
    return [path for path in paths if path.resolve() != other]


def _table_of_labels(request: _Request, folder: Folder, tables: list[Path]) -> Path | None:
    """The table of labels at the top of the folder; None if the folders are the classes."""
    if not tables:
        return None
    # Split folders may contain images that a table labels; if they contain class folders, those give the labels.
    names = read_folders(folder.files.items)
    classes = any(names.labels) if names.outer_split else len(folder.tops) > 1
    labels = set(names.labels) - {""}
    if labels and all(map(is_doubtful, labels)):  # such as images_001 and images_002: the parts of a download
        classes = False
    if len(tables) == 1 and (not classes or request.items):
        return tables[0]
    if request.columns:
        wanted = {*request.items.values()} or {request.label or ""}
        tables = [path for path in tables if wanted <= {*column_names(path)}]
    elif classes:
        return None
    if len(tables) > 1:
        raise DatasetError(
            f"{request.data} has {len(tables)} tables that may contain the labels "
            f"({listed(path.name for path in tables)}). Give the right one itself as the data, or move the others away."
        )
    return tables[0] if tables else None


def _tables_of_parts(request: _Request, folder: Folder, own: list[Path]) -> list[PartTable]:
    """One table for each part of a split; none where the folders are the classes."""
    names = [name for name in _likely_tables(request, folder) if "/" in name or folder.root / name in own]
    labels = set(read_folders(folder.files.items).labels) - {""}
    if not request.columns and len(labels) > 1 and not all(map(part_in, labels)):
        return []
    return find_part_tables(names, columns=request.columns, root=folder.root)


def _from_parts(request: _Request, folder: Folder, tables: list[PartTable]) -> Source:
    found = read_part_tables(
        tables, folder, label=request.label, text=request.text, image=request.image, several=request.several,
        cache=request.cache, progress=request.progress,
    )  # fmt: skip
    return _from_labels(found)


def _from_table(request: _Request, folder: Folder, path: Path) -> Source:
    # A column that the table does not have may be in the attributes.
    label = None if request.attributes and request.label not in column_names(path) else request.label
    found = read_labels(
        path, folder, label=label, text=request.text, image=request.image, several=request.several,
        cache=request.cache, progress=request.progress,
    )  # fmt: skip
    return _from_labels(found)


def _from_labels(found: Labels) -> Source:
    return Source(found.root, found.rows, {}, found.layout, found.column, found.notes, found.kind.name)


def _with_unlisted_files(source: Source, folder: Folder, *tables: str) -> Source:
    """Add what is in the folder but not in its tables: unlabelled images, and other files."""
    images = folder.files.items
    ignored = folder.files.ignored + _kinds(name for name in folder.files.tables if name not in tables)
    if source.root != folder.root:  # the items are stored in the table, or composed of what it names
        used = set(named_by(source.table))
        prefix = f"{folder.root.as_posix()}/"
        return replace(source, ignored=ignored + _kinds(name for name in images if prefix + name not in used))
    named = set(source.table["path"])
    rest = pd.DataFrame({"path": [path for path in images if path not in named]}, dtype=str)
    rows = pd.concat([source.table, rest.reindex(columns=source.table.columns, fill_value="")])
    return replace(source, table=rows.sort_values("path", ignore_index=True), ignored=ignored)


def _split_by_folders(source: Source) -> Source:
    """Take the split from the folders, where a table gives the labels but no split."""
    table = source.table
    if (table["given_split"] != "").any():
        return source
    paths = by_files(table, source.root)[0]["path"][table["missing"] == ""]
    names = read_folders(paths)
    if not names.split_by:
        return source
    given = pd.Series(names.splits, index=paths.index, dtype=str).reindex(table.index, fill_value="")
    return replace(
        source, table=table.assign(given_split=given), layout=f"{source.layout}; split by the {names.split_by}"
    )


def _with_attributes(source: Source, path: Path, label: str | None) -> Source:
    table, names = source.table, named_by(source.table)
    extra = read_side_table(path, names).set_index("path").add_prefix("attribute.")
    if label is not None and source.label != label:
        if f"attribute.{label}" not in extra:
            columns = [name.removeprefix("attribute.") for name in extra.columns]
            raise DatasetError(no_such_column(label, columns, path))
        labels = names.map(label_text(extra.pop(f"attribute.{label}"))).fillna("")
        if (table["label"] != "").any():
            table = table.assign(**{f"attribute.{source.label or 'folder'}": table["label"]})
        table = table.assign(label=labels)
        layout = f"{source.layout}; labels from {path.name}, column {label!r}"
        source = replace(source, label=label, layout=layout)
    twice = sorted(set(extra.columns) & set(table.columns))
    if twice:
        name = twice[0].removeprefix("attribute.")
        raise DatasetError(f"the attribute {name!r} of {path} already exists in the data. Rename the column.")
    return replace(source, table=table.join(extra.reindex(names).set_axis(table.index)).fillna(""))


def _kinds(paths: Iterable[str]) -> Counter[str]:
    return Counter("*" + Path(path).suffix.lower() for path in paths)
