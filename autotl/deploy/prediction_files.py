"""The images to classify: files, folders, archives and tables, or images in memory."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from autotl.cache.content_folders import unpacked_once
from autotl.data.archives.unpack import is_archive, unpack
from autotl.data.listed_items import listed_items
from autotl.data.listing import TABLE_SUFFIXES, list_files
from autotl.errors import ConfigError
from autotl.images.given_images import GivenImage, given_images


def collect(items: object, *, cache: Path, label: str | None = None) -> list[GivenImage]:
    """The images to classify, in order: those given themselves, and those of folders, archives and tables.

    items: as `given_images` takes them. The images of a folder are named by their path, those of an archive as in the
    archive, those of a table as in the table: one for every row. cache: where archives are unpacked. label: a column
    that does not name the images of a table. Raises ConfigError where a folder or an archive has none, DatasetError
    where it is damaged.
    """
    images: list[GivenImage] = []
    for given in given_images(items):
        if given.problem or not isinstance(given.image, str):
            images.append(given)
            continue
        path = Path(os.path.expanduser(given.image))  # noqa: PTH111, Path's own refuses the home of an unknown user
        if os.path.isdir(path):  # noqa: PTH112, Path's own refuses names that are too long
            images += [GivenImage(str(Path(given.name) / name), str(path / name)) for name in _within(path, path)]
        elif path.suffix.lower() in TABLE_SUFFIXES and path.exists():
            images += _of_table(path, label, cache)
        elif os.path.isfile(path) and is_archive(path):  # noqa: PTH113, as above
            images += _of_archive(path, cache)
        else:
            images.append(given)
    return images


def _of_table(path: Path, label: str | None, cache: Path) -> list[GivenImage]:
    rows = listed_items(path, label=label, cache=cache)
    return [GivenImage(row.name, str(row.file), row.missing) for row in rows]


def _of_archive(path: Path, cache: Path) -> list[GivenImage]:
    unpacked = unpacked_once(path, cache, partial(unpack, path))
    before = {here: name for name, here in unpacked.notes.items()}
    names = _within(unpacked.folder, path)
    return [GivenImage(before.get(name, name), str(unpacked.folder / name)) for name in names]


def _within(folder: Path, item: Path) -> list[str]:
    images = list_files(folder, lenient=True).items
    if not images:
        kind = "folder" if item.is_dir() else "archive"
        raise ConfigError(f"the {kind} {item} has no images in it")
    return images
