"""The items to classify: files, folders, archives and tables, or items in memory."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from autotl.cache.content_folders import unpacked_once
from autotl.data.archives.unpack import is_archive, unpack
from autotl.data.clip_folders import folders_of_frames
from autotl.data.item_kinds import CLIPS, KINDS
from autotl.data.listed_items import listed_items
from autotl.data.listing import TABLE_SUFFIXES, list_files
from autotl.data.modalities import modality_named
from autotl.data.usual_columns import NOT_NAMED, UsualColumns
from autotl.errors import ConfigError, RunError
from autotl.runs.run import read_state


def collect(
    items: object, *, cache: Path, label: str | None = None, text: str | None = None, image: str | None = None,
    usual: UsualColumns = NOT_NAMED, modality: str = "image",
) -> list[Any]:  # fmt: skip
    """The items to classify, in order: those given themselves, and those of folders, archives and tables.

    items: as the modality takes them, such as `given_images`. The items of a folder are named by their path, those of
    an archive as in the archive, those of a table as in the table: one for every row. cache: where archives are
    unpacked. label: a column that does not give the items of a table; text, image: the columns of texts and of images;
    usual: those of the table that the model learned from. modality: the kind of the items, by its name. Raises
    ConfigError if a folder or an archive has none, DatasetError if it is damaged.
    """
    read = modality_named(modality).serving().ItemReader
    collected: list[Any] = []
    for given in read.given(items):
        if given.problem or not read.path_of(given):
            collected.append(given)
            continue
        path = Path(os.path.expanduser(read.path_of(given)))  # noqa: PTH111, Path's own refuses an unknown user's home
        if os.path.isdir(path):  # noqa: PTH112, Path's own refuses names that are too long
            names = folders_of_frames(path) if modality == CLIPS.name else []
            names = names or _within(path, path, modality)
            collected += [read.at(str(Path(given.name) / name), str(path / name)) for name in names]
        elif path.suffix.lower() in TABLE_SUFFIXES and path.exists():
            columns = usual.of(path, text=text, image=image)
            rows = listed_items(
                path, label=label, text=columns.text, image=columns.image, modality=modality, cache=cache
            )
            collected += [read.at(row.name, str(row.file), row.missing) for row in rows]
        elif os.path.isfile(path) and is_archive(path):  # noqa: PTH113, as above
            unpacked = unpacked_once(path, cache, partial(unpack, path))
            before = {here: name for name, here in unpacked.notes.items()}
            names = _within(unpacked.folder, path, modality)
            collected += [read.at(before.get(name, name), str(unpacked.folder / name)) for name in names]
        else:
            collected.append(given)
    return collected


def columns_of_run(model: Path) -> UsualColumns:
    """The columns of texts and of images that a run was asked to learn from; empty without a run."""
    try:
        config = read_state(model)["config"]
        return UsualColumns(config.get("text"), config.get("image"))
    except (RunError, KeyError, AttributeError):  # its model may be used all the same
        return NOT_NAMED


def _within(folder: Path, item: Path, modality: str) -> list[str]:
    found = list_files(folder, KINDS[modality], lenient=True).items
    if not found:
        kind = "folder" if item.is_dir() else "archive"
        parts = " and ".join(f"a column of {KINDS[part].plural}" for part in modality_named(modality).parts)
        how = f"; give a table with {parts}" if parts else ""
        raise ConfigError(f"the {kind} {item} has no {KINDS[modality].plural} in it{how}")
    return found
