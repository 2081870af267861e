"""Groups: items that belong together, such as those of one patient, and must stay on one side of every split."""

from __future__ import annotations

import difflib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from autotl.data.candidate_groups.find import group_by_name
from autotl.data.candidate_groups.from_email import SENDER, THREAD
from autotl.data.candidate_groups.from_exif import BURST, SESSION
from autotl.data.column_words import without_missing
from autotl.data.item_files import by_files, named_by
from autotl.data.item_kinds import IMAGES, ItemKind, kind_of_files
from autotl.data.listing import TABLE_SUFFIXES
from autotl.data.note import Note
from autotl.data.tables import read_side_table
from autotl.errors import DatasetError
from autotl.runtime.wording import counted, listed
from autotl.targets import CLASSES, Kind

NO_GROUPS = "none"
"""What `--groups` takes where no groups are to be kept on one side, and none are to be inferred."""


def group_notes(spec: str, groups: pd.Series, usable: pd.Series, kind: ItemKind = IMAGES) -> tuple[Note, ...]:
    """What there is to tell where some items have no group. usable: which items count, bool. kind: of the items."""
    without = int(((groups == "") & usable).sum())
    if not without or spec == NO_GROUPS:
        return ()
    named = groups[(groups != "") & usable].nunique()
    return (
        Note(
            f"--groups {spec!r} gives {without:,} of {int(usable.sum()):,} {kind.plural} no group: each of them counts "
            f"as a group of its own, beside {counted(named, 'named group')}",
            f"Complete the groups if some of these {kind.plural} belong together: they may be on both sides of a "
            "split.",
        ),
    )


def read_groups(spec: str, table: pd.DataFrame, root: Path, target: Kind = CLASSES) -> pd.Series:
    """The group of each item, as text; empty if it has none. A word that stands for a missing value is not a group.

    spec: the first that applies of: a table (CSV, TSV, Parquet or JSON lines) with the columns `path` and `group`;
        `exif:FIELD`, a field of the files' EXIF data such as exif:BodySerialNumber; the name of an attribute column;
        the name of an inferred grouping such as `first-word` or `email-thread` (see `candidate_groups`); a regular
        expression with one capturing group that is searched in each path. `NO_GROUPS`: none.
    table: of a dataset: path (relative to `root`), quarantine (skipped and excluded files are not opened) and
        attributes; the result has its index. Composed items go by the files of their images. target: its kind.
    Raises DatasetError if the specification is invalid or gives no item a group.
    """
    if spec == NO_GROUPS:
        return pd.Series("", index=table.index, dtype=str)
    column = spec if spec.startswith("attribute.") else f"attribute.{spec}"
    if Path(spec).suffix.lower() in TABLE_SUFFIXES:
        names = named_by(table)
        groups = read_side_table(Path(spec), names, column="group").set_index("path")["group"]
        found = without_missing(names.map(groups).fillna(""))
        problem = "its column group is empty for all of them"
    elif spec.startswith("exif:"):
        found = _from_exif(spec.removeprefix("exif:"), *by_files(table, root))
        problem = "none of them has this EXIF field"
    elif column in table.columns:
        found = without_missing(table[column])
        problem = "this column is empty for all of them"
    elif (inferred := _inferred(spec, table, root, target)) is not None:
        found, problem = inferred, "no two files share one"
    else:
        return _from_paths(spec, by_files(table, root)[0])
    if (found == "").all():
        kind = kind_of_files(table["path"])
        raise DatasetError(f"--groups {spec!r} gives none of the {len(table)} {kind.plural} a group: {problem}.")
    return found


def opens_files(spec: str) -> bool:
    """Whether every file is opened to read these groups."""
    return spec.startswith("exif:") or spec in (BURST, SESSION, SENDER, THREAD)


def _inferred(name: str, table: pd.DataFrame, root: Path, target: Kind) -> pd.Series | None:
    """The groups of an inferred grouping of this name; None if there is none."""
    found = group_by_name(name, table[(table["quarantine"] == "") & (table["label"] != "")], root, target)
    return None if found is None else found.reindex(table.index).fillna("")


def _from_exif(field: str, table: pd.DataFrame, root: Path) -> pd.Series:
    from autotl.images.decoder import UnreadableImage
    from autotl.images.file_info import exif_value

    def read(path: str, quarantine: str) -> str:
        try:
            return "" if quarantine else exif_value(root / path, field).strip()
        except UnreadableImage:  # the scan reports it
            return ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            values = list(pool.map(read, table["path"], table["quarantine"]))
        except ValueError as error:
            raise DatasetError(f"--groups 'exif:{field}' cannot be read: {error}") from None
    return pd.Series(values, index=table.index, dtype=str)


def _from_paths(expression: str, table: pd.DataFrame) -> pd.Series:
    paths = table["path"]
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise DatasetError(
            f"--groups {expression!r} is neither a CSV file nor a regular expression ({error}). Give a CSV with the "
            f"columns path and group, or an expression such as '(patient\\d+)'.{_columns(expression, table)}"
        ) from None
    if pattern.groups != 1:
        raise DatasetError(
            f"--groups {expression!r} has {pattern.groups} capturing groups; exactly 1 is needed: "
            f"the part of the path that names the group, such as '(patient\\d+)'.{_columns(expression, table)}"
        )
    found = paths.str.extract(pattern, expand=False).fillna("")
    if (found == "").all():
        raise DatasetError(
            f"--groups {expression!r} matches none of the {len(paths)} paths, such as {paths.iloc[0]!r}."
        )
    return found


def _columns(spec: str, table: pd.DataFrame) -> str:
    """A hint at the attribute columns, in case one of them was meant."""
    names = [name.removeprefix("attribute.") for name in table.columns if name.startswith("attribute.")]
    close = difflib.get_close_matches(spec, names, n=1)
    if close:
        return f" Did you mean the column {close[0]!r}?"
    return f" The columns are {listed(names, most=20)}." if names else ""
