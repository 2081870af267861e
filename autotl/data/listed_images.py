"""The images that a table lists, row by row: in its order, under its own names, whether they have labels or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autotl.data.file_lookup import Folder
from autotl.data.label_table import image_column, read_rows
from autotl.data.table_images import find_images, holds_images, write_images


@dataclass(frozen=True)
class ListedImage:
    """The image of a row. name: as the table has it; file: where it is; missing: why there is none, or empty."""

    name: str
    file: Path
    missing: str


def listed_images(path: Path, *, label: str | None = None, cache: Path) -> list[ListedImage]:
    """The image of every row of a table, which may be a file that it names or stored in it as bytes or base64.

    label: a column that does not name the images. cache: where stored images are written. Raises DatasetError where
    there is no row, or no column that names or stores images.
    """
    folder = Folder(path.parent.resolve(), lenient=True)
    frame = read_rows(path, folder)
    column = frame[image_column(frame, folder, path, label=label)]
    if holds_images(column):
        found = write_images(column, path, cache, None)
        names = found.paths
    else:
        found = find_images(column, folder)
        names = [name.strip() or path for name, path in zip(column, found.paths, strict=True)]
    return [
        ListedImage(name, found.root / file, missing)
        for name, file, missing in zip(names, found.paths, found.missing, strict=True)
    ]
