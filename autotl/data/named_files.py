"""The files that a column of a table names, row by row, and what there is to tell about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from autotl.data.column_words import without_missing
from autotl.data.file_lookup import Folder
from autotl.data.note import Note
from autotl.data.path_endings import found_by_name_only
from autotl.runtime.wording import listed


@dataclass(frozen=True)
class RowFiles:
    """The file of each row of a table: its path relative to root (or absolute), and why it is missing (or empty).

    notes: what there is to tell about how they were found. parts: of composed items, the absolute paths of their parts,
    by the name of the kind of part; empty if it is missing.
    """

    root: Path
    paths: list[str]
    missing: list[str]
    notes: tuple[Note, ...] = ()
    parts: Mapping[str, list[str]] = field(default_factory=dict)


def find_files(column: pd.Series, folder: Folder) -> RowFiles:
    """Find the files named in a column."""
    names = without_missing(column).tolist()
    found = {name: folder.find(name) for name in dict.fromkeys(names)}
    if not folder.renamed:
        found |= dict.fromkeys(found_by_name_only(found))
    paths = [found[name] or name or row_name(number, len(names)) for number, name in enumerate(names, start=1)]
    reasons = {name: _why_missing(name, path, folder) for name, path in found.items()}
    return RowFiles(folder.root, paths, [reasons[name] for name in names], _notes(names, found, reasons, folder))


def row_name(number: int, total: int) -> str:
    """What a row is called that names no file, such as "row-000007". number: counted from 1; total: of the rows."""
    return f"row-{number:0{max(6, len(str(total)))}d}"


def _notes(
    names: list[str], found: Mapping[str, str | None], reasons: Mapping[str, str], folder: Folder
) -> tuple[Note, ...]:
    """What there is to tell: rows without a file, and paths that begin elsewhere."""
    notes = []
    lost = [name for name in names if reasons[name]]
    if lost:
        kinds = Counter(reasons[name].partition(" (")[0] for name in lost)
        named = listed(f"{n:,} because {reason}" for reason, n in kinds.most_common())
        first = next((name for name in lost if name), "an empty cell")
        notes.append(
            Note(
                f"{len(lost):,} of {len(names):,} rows have no {folder.holds.name} and are skipped: {named}, such as "
                f"{first[:80]}",
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


def _why_missing(name: str, path: str | None, folder: Folder) -> str:
    if path:
        return ""
    if not name:
        return "the row names no file"
    if path is None:
        return "there is no such file"
    named = listed(folder.candidates(name), most=3)
    return f"several files have this name ({named}); give the path in the table"
