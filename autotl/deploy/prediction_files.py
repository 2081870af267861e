"""Which images a person means who wants some classified: files, folders, archives or tables of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autotl.data.archives.unpack import is_archive, unpack
from autotl.errors import ConfigError
from autotl.data.listing import TABLE_SUFFIXES, list_files
from autotl.data.source import open_source
from autotl.cache.content_folders import unpacked_once


def image_files(items: Iterable[Path], *, cache: Path, label: str | None = None) -> list[Path]:
    """The image files, in order; ConfigError where a folder or an archive has none, DatasetError where it is damaged.

    cache: where archives are unpacked. label: the column of the labels, for tables.
    """
    files: list[Path] = []
    for item in items:
        if item.is_dir():
            files += _within(item, item)
        elif item.suffix.lower() in TABLE_SUFFIXES:
            source = open_source(item, label=label, cache=cache, need_labels=False)
            there = source.table["path"][source.table["missing"] == ""]
            files += [source.root / path for path in there]
        elif is_archive(item):
            folder, _ = unpacked_once(item, cache, lambda new, archive=item: unpack(archive, new))  # type: ignore[misc]
            files += _within(folder, item)
        else:
            files.append(item)
    return files


def _within(folder: Path, item: Path) -> list[Path]:
    images = list_files(folder, lenient=True).images
    if not images:
        kind = "folder" if item.is_dir() else "archive"
        raise ConfigError(f"the {kind} {item} has no images in it")
    return [folder / path for path in images]
