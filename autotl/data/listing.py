"""The files below a folder: images, tables, and how many of each other kind."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.errors import DatasetError

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif"}
)
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})
PATCH_SUFFIX = ".patch.csv"
"""Of the file of decisions beside a dataset (see `patch`), which is not a table of labels."""
_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information"})


@dataclass(frozen=True)
class Files:
    """The files below a folder, relative and posix: images sorted by path, tables, and the number of others by kind."""

    images: list[str]
    tables: list[str]
    ignored: Counter[str]


def list_files(root: Path, *, lenient: bool = False) -> Files:
    """List the files below a folder, following links except those that lead in a circle.

    Raises DatasetError where a folder cannot be read, or an image's name is not valid text, unless `lenient`: such
    files and folders are then counted as ignored.
    """
    images: list[str] = []
    tables: list[str] = []
    ignored: Counter[str] = Counter()
    # Each folder comes with the real folders that lead to it: one per link on the way, the last is itself.
    pending: list[tuple[str, tuple[str, ...]]] = [("", (str(root),))]
    while pending:
        prefix, chain = pending.pop()
        try:
            entries = _entries(f"{root}/{prefix}")
        except DatasetError:
            if not lenient:
                raise
            ignored["unreadable"] += 1
            continue
        for entry in entries:
            kind = kind_of(entry.name)
            if kind in ("hidden", "system"):
                ignored[kind] += 1
            elif _is_folder(entry):
                if inner := _followed(entry, chain):
                    pending.append((f"{prefix}{entry.name}/", inner))
            elif kind == "image":
                images.append(prefix + entry.name)
            elif kind == "table":
                tables.append(prefix + entry.name)
            else:
                ignored[kind] += 1
    if lenient:
        named = [path for path in images if _is_text(path)]
        ignored += Counter(unreadable=len(images) - len(named))
        images = named
    _require_text(images)
    return Files(sorted(images), sorted(tables), ignored)


def ignored_kinds(ignored: Mapping[str, int]) -> str:
    """The ignored files by kind, most frequent first: "8 *.txt, 3 hidden, 1 *.json"."""
    return ", ".join(f"{n} {kind}" for kind, n in sorted(ignored.items(), key=lambda item: (-item[1], item[0])))


def top_folders(paths: Iterable[str]) -> set[str]:
    """The first folder of each path that has one."""
    return {path.split("/", 1)[0] for path in paths if "/" in path}


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DatasetError(
            f"the folder {os.path.normpath(folder)} cannot be read ({error.strerror}). "
            "Change its permissions, or move it away."
        ) from None


def kind_of(name: str) -> str:
    """The kind of a file by its name: image, table, hidden, system, or a suffix such as `*.txt`."""
    if name.startswith("."):
        return "hidden"
    if name.lower() in _SYSTEM:
        return "system"
    if name.lower().endswith(PATCH_SUFFIX):
        return f"*{PATCH_SUFFIX}"
    stem, _, ending = name.rpartition(".")
    suffix = f".{ending.lower()}" if stem else ""
    if suffix in IMAGE_SUFFIXES:
        return "image"
    if suffix in TABLE_SUFFIXES:
        return "table"
    return f"*{suffix}" if suffix and suffix.isprintable() else "without suffix"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _followed(entry: os.DirEntry[str], chain: tuple[str, ...]) -> tuple[str, ...]:
    """The chain of real folders that leads into this one, empty where it would lead in a circle."""
    if not entry.is_symlink():
        return (*chain[:-1], f"{chain[-1].rstrip(os.sep)}{os.sep}{entry.name}")
    target = os.path.realpath(entry.path)
    if any(f"{folder}{os.sep}".startswith(target.rstrip(os.sep) + os.sep) for folder in chain):
        return ()
    return (*chain, target)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _require_text(paths: Sequence[str]) -> None:
    """Raise DatasetError where a name is not valid text, which occurs in archives from other systems."""
    joined = "\0".join(paths)  # no name contains a NUL
    try:
        joined.encode()
    except UnicodeEncodeError as error:
        bad = paths[joined.count("\0", 0, error.start)]
        raise DatasetError(
            f"the name of {os.fsencode(bad)!r} is not valid text in this system's encoding (UTF-8). Rename it."
        ) from None
