"""The images of a table's rows: files that it names, or images stored in it as bytes or base64."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.cache.content_folders import new_folder, unpacked_once
from autotl.data.column_words import without_missing
from autotl.data.file_lookup import Folder
from autotl.data.note import Note
from autotl.data.path_endings import found_by_name_only
from autotl.data.tables import holds_bytes
from autotl.images.file_info import suffix_of
from autotl.runtime.progress import OnProgress
from autotl.runtime.wording import listed

_SAMPLE = 200


@dataclass(frozen=True)
class RowImages:
    """The image of each row of a table: its path relative to root (or absolute), and why it is missing (or empty).

    notes: what there is to tell about how they were found.
    """

    root: Path
    paths: list[str]
    missing: list[str]
    notes: tuple[Note, ...] = ()


def find_images(column: pd.Series, folder: Folder) -> RowImages:
    """Find the files named in a column."""
    names = without_missing(column).tolist()
    found = {name: folder.find(name) for name in dict.fromkeys(names)}
    if not folder.renamed:
        found |= dict.fromkeys(found_by_name_only(found))
    paths = [found[name] or name or _row_name(number, len(names)) for number, name in enumerate(names, start=1)]
    reasons = {name: _why_missing(name, path, folder) for name, path in found.items()}
    return RowImages(folder.root, paths, [reasons[name] for name in names], _notes(names, found, reasons))


def _notes(names: list[str], found: Mapping[str, str | None], reasons: Mapping[str, str]) -> tuple[Note, ...]:
    """What there is to tell: rows without an image, and paths that begin elsewhere."""
    notes = []
    lost = [name for name in names if reasons[name]]
    if lost:
        kinds = Counter(reasons[name].partition(" (")[0] for name in lost)
        named = listed(f"{n:,} because {reason}" for reason, n in kinds.most_common())
        first = next((name for name in lost if name), "an empty cell")
        notes.append(
            Note(
                f"{len(lost):,} of {len(names):,} rows have no image and are skipped: {named}, such as {first[:80]}",
                "Correct the paths, or add the files.",
            )
        )
    moved = [name for name, path in found.items() if path and _begins_elsewhere(name, path)]
    if moved:
        notes.append(
            Note(
                f"{len(moved):,} paths in the table begin elsewhere, and were found by how they end: {moved[0][:80]} "
                f"is {found[moved[0]]}",
                severity="info",
            )
        )
    return tuple(notes)


def _begins_elsewhere(name: str, path: str) -> bool:
    """Whether a table's path has other folders than the file's."""
    given = name.replace("\\", "/").removeprefix("./")
    return "/" in given and path != given and given != path.rpartition(".")[0] and not path.endswith("/" + given)


def write_images(column: pd.Series, table: Path, cache: Path, progress: OnProgress | None) -> RowImages:
    """Write the images stored in a column to files below the cache, once per content of the table."""

    def write(folder: Path) -> dict[str, str]:
        reasons = {}
        with new_folder(folder) as temporary:
            for number, value in enumerate(column, start=1):
                data, reason = _payload(value)
                name = _row_name(number, len(column)) + suffix_of(data)
                if data and not Path(name).suffix:
                    reason = "the row does not contain an image of a known format"
                if not reason:
                    (temporary / name).write_bytes(data)
                reasons[name] = reason
                if progress:
                    progress(number, len(column))
        return reasons

    unpacked = unpacked_once(table, cache, write, part=str(column.name))
    return RowImages(unpacked.folder, list(unpacked.notes), list(unpacked.notes.values()))


def holds_images(column: pd.Series) -> bool:
    """Whether a column contains images, as bytes or base64."""
    if holds_bytes(column):
        return True
    starts = [_payload(text[:100].rpartition(",")[2][:64])[0] for text in sample(column)]
    return 2 * sum(bool(suffix_of(start)) for start in starts) > len(starts)


def sample(column: pd.Series) -> pd.Series:
    """About 200 filled rows of a column, enough to judge what it contains."""
    filled = column[column.str.len() > 0]
    return filled.iloc[:: max(1, len(filled) // _SAMPLE)]


def _why_missing(name: str, path: str | None, folder: Folder) -> str:
    if path:
        return ""
    if not name:
        return "the row names no file"
    if path is None:
        return "there is no such file"
    named = listed(folder.candidates(name), most=3)
    return f"several files have this name ({named}); give the path in the table"


def _row_name(number: int, total: int) -> str:
    return f"row-{number:0{max(6, len(str(total)))}d}"


def _payload(value: object) -> tuple[bytes, str]:
    """The bytes in a cell, or the reason why there are none."""
    if isinstance(value, bytes):
        return value, "" if value else "the row contains no image"
    text = "".join(str(value).split())
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if not text:
        return b"", "the row contains no image"
    text = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True), ""
    except (binascii.Error, ValueError):
        return b"", "the text in the row is not base64"
