"""The files below a folder: items of one kind, tables, and how many of each other kind."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autotl.data.foreign_folders import is_foreign
from autotl.data.item_kinds import IMAGES, TEXTS, ItemKind
from autotl.errors import DatasetError

IMAGE_SUFFIXES = IMAGES.suffixes
UNREAD_IMAGE_SUFFIXES = frozenset(
    {".jp2", ".j2k", ".jpx", ".jxl", ".tga", ".psd", ".svg", ".dcm", ".nef", ".cr2", ".cr3", ".arw", ".dng", ".raw",
     ".exr", ".hdr", ".ico", ".pcx"}
)  # fmt: skip
"""Of images in formats that are not read."""
JSON_LINES_SUFFIXES = frozenset({".jsonl", ".ndjson"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"}) | JSON_LINES_SUFFIXES
PATCH_SUFFIX = ".patch.csv"
"""Of the file of decisions beside a dataset (see `patch`), which is not a table of labels."""
FOREIGN = "tool output"
"""The kind of a folder that another program left there, which counts once."""
_SYSTEM = frozenset(
    {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin",
     "lost+found", "system volume information"}
)  # fmt: skip


@dataclass(frozen=True)
class Files:
    """The files below a folder, relative and posix.

    items, tables: sorted by path. ignored: number of others by kind.
    unread: folders that are not looked into, because they are hidden or no data.
    unusable: folders without any item, the outermost only, with the number of other files by kind in each.
    """

    items: list[str]
    tables: list[str]
    ignored: Counter[str]
    unread: list[str] = field(default_factory=list)
    unusable: dict[str, Counter[str]] = field(default_factory=dict)


def list_files(root: Path, kind: ItemKind = IMAGES, *, lenient: bool = False) -> Files:
    """List the files below a folder, following links except those that lead in a circle.

    kind: of the items; items of other kinds are counted as ignored.
    Raises DatasetError if a folder cannot be read, or an item's name is not valid text, unless `lenient`: such
    files and folders are then counted as ignored.
    """
    found = Files([], [], Counter())
    others: dict[str, Counter[str]] = {}
    used = {""}
    # Each folder comes with the real folders that lead to it: one per link on the way, the last is itself.
    pending: list[tuple[str, tuple[str, ...]]] = [("", (str(root),))]
    while pending:
        prefix, chain = pending.pop()
        try:
            entries = _entries(f"{root}/{prefix}")
        except DatasetError:
            if not lenient:
                raise
            found.ignored["unreadable"] += 1
            continue
        if prefix and is_foreign(prefix[:-1].rpartition("/")[2], [entry.name for entry in entries]):
            found.ignored[FOREIGN] += 1
            found.unread.append(prefix[:-1])
            continue
        n_before = len(found.items)
        pending += _sort_out(entries, prefix, chain, kind, found, others.setdefault(prefix, Counter()))
        if len(found.items) > n_before:
            used |= {prefix, *_prefixes(prefix)}
    if lenient:
        named = [path for path in found.items if _is_text(path)]
        found.ignored["unreadable"] += len(found.items) - len(named)
        found.items[:] = named
    _require_text(found.items)
    ignored = +sum(others.values(), found.ignored)
    return Files(
        sorted(found.items), sorted(found.tables), ignored, sorted(filter(_is_text, found.unread)),
        _unusable(found.tables, {prefix: counts for prefix, counts in others.items() if prefix not in used}),
    )  # fmt: skip


def _sort_out(
    entries: Iterable[os.DirEntry[str]], prefix: str, chain: tuple[str, ...], wanted: ItemKind, found: Files,
    others: Counter[str],
) -> list[tuple[str, tuple[str, ...]]]:  # fmt: skip
    """Add one folder's files to what was found, and count its other files; returns the folders to look into."""
    inner = []
    for entry in entries:
        kind = kind_of(entry.name, wanted)
        if kind in ("hidden", "system"):
            others[kind] += 1
            if _is_folder(entry):
                found.unread.append(prefix + entry.name)
        elif _is_folder(entry):
            if followed := _followed(entry, chain):
                inner.append((f"{prefix}{entry.name}/", followed))
        elif kind == wanted.name:
            found.items.append(prefix + entry.name)
        elif kind == "table":
            found.tables.append(prefix + entry.name)
        else:
            others[kind] += 1
    return inner


def _unusable(tables: Iterable[str], inside: Mapping[str, Counter[str]]) -> dict[str, Counter[str]]:
    """The outermost folders without any item, and what is in them instead. inside: other files, by folder."""
    whole: dict[str, Counter[str]] = {}
    for prefix, counts in sorted(inside.items()):
        outermost = next((outer for outer in _prefixes(prefix) if outer in inside), prefix)
        if _is_text(outermost):
            whole.setdefault(outermost[:-1], Counter()).update(counts)
    for path in tables:
        around = next((outer[:-1] for outer in _prefixes(path) if outer[:-1] in whole), None)
        if around is not None:
            whole[around]["*" + Path(path).suffix.lower()] += 1
    return whole


def _prefixes(path: str) -> list[str]:
    """The folders around a path, outermost first, each with a slash at its end."""
    return [path[: place + 1] for place, letter in enumerate(path) if letter == "/"]


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


def kind_of(name: str, wanted: ItemKind = IMAGES) -> str:
    """The kind of a file by its name: table, hidden, system, the wanted kind of item, or a suffix such as `*.txt`."""
    if name.startswith("."):
        return "hidden"
    if name.lower() in _SYSTEM:
        return "system"
    if name.lower().endswith(PATCH_SUFFIX):
        return f"*{PATCH_SUFFIX}"
    stem, _, ending = name.rpartition(".")
    suffix = f".{ending.lower()}" if stem else ""
    if suffix in wanted.suffixes and not (wanted.documents and wanted.documents.fullmatch(stem)):
        return wanted.name
    if suffix in TABLE_SUFFIXES:
        return "table"
    return f"*{suffix}" if suffix and suffix.isprintable() else "without suffix"


def mostly_texts(files: Files) -> bool:
    """Whether files without any image hold texts, and more of them than images in formats that are not read."""
    n_texts = sum(files.ignored[f"*{suffix}"] for suffix in TEXTS.suffixes)
    return not files.items and n_texts > sum(files.ignored[f"*{suffix}"] for suffix in UNREAD_IMAGE_SUFFIXES)


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
    """Raise DatasetError if a name is not valid text, which occurs in archives from other systems."""
    joined = "\0".join(paths)  # no name contains a NUL
    try:
        joined.encode()
    except UnicodeEncodeError as error:
        bad = paths[joined.count("\0", 0, error.start)]
        encoding = sys.getfilesystemencoding()
        # Python takes UTF-8 in the locale "C", too, unless it is told not to.
        remedy = "Rename it" if encoding == "utf-8" else "Set the environment variable PYTHONUTF8=1, or rename it"
        raise DatasetError(
            f"the name of {os.fsencode(bad)!r} is not valid text in this system's encoding ({encoding.upper()}). "
            f"{remedy}."
        ) from None
