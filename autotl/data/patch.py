"""The patch file: the user's decisions about the data, which change the table of images and no file.

A CSV with one decision per row, easy to read, review and edit: `exclude` an item, `relabel` it, or `merge` a class
into another. Deleting a row, or the file, undoes it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Container, Iterable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from autotl.data.listing import PATCH_SUFFIX
from autotl.errors import DatasetError
from autotl.runtime.atomic_files import write_atomically

EXCLUDED = "excluded"
"""How the quarantine reason of an excluded item begins."""
EXCLUDED_CLASS = f"{EXCLUDED}: its class"
EXCLUDED_BY_PATCH = f"{EXCLUDED} by the patch file"
_KINDS = ("relabel", "exclude", "merge")


@dataclass(frozen=True)
class Decision:
    """One decision.

    item: path of the image in the dataset, or for `merge` the class that is merged into another.
    label: the new class, or the class to merge into; empty for `exclude`.
    sha256: content of the item at the time of the decision, by which a renamed file is found again; empty where it had
        a copy, which would be mistaken for it once it is deleted.
    note: the reason; free text.
    """

    decision: Literal["relabel", "exclude", "merge"]
    item: str
    label: str = ""
    sha256: str = ""
    note: str = ""


_COLUMNS = [field.name for field in fields(Decision)]


@dataclass(frozen=True)
class Patched:
    """A table after the decisions. stale: decisions that no longer apply to anything."""

    table: pd.DataFrame
    stale: tuple[Decision, ...]


def patch_file(data: Path) -> Path:
    """The patch file of a dataset: photos -> photos.patch.csv, beside it."""
    return data.resolve().with_name(data.resolve().name + PATCH_SUFFIX)


def read_patch(path: Path) -> tuple[Decision, ...]:
    """Read the decisions, none where there is no file; raises DatasetError that names an invalid row."""
    if not path.exists():
        return ()
    try:
        # newline="": a name may contain any line ending, which must be preserved.
        reader = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
        rows = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(
            f"the patch file {path} cannot be read: {error}. Correct it, or delete it to undo all decisions."
        ) from None
    header = reader.fieldnames or _COLUMNS
    if not {"decision", "item"}.issubset(header):
        raise DatasetError(
            f"the first row of the patch file {path} is {','.join(header)!r}; expected the columns "
            f"{', '.join(_COLUMNS)}, separated by commas. Add them as the first row, or delete the file to "
            "undo all decisions."
        )
    return tuple(_parse(row, number, path) for number, row in enumerate(rows, start=2))


def write_patch(path: Path, decisions: Iterable[Decision]) -> None:
    """Write the decisions, the last one about each item; the file is removed if there are none."""
    last = {(d.decision == "merge", d.item): d for d in decisions}
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(_COLUMNS)
    for row in map(astuple, last.values()):
        # Before Python 3.13 the csv module does not quote a lone \r.
        all_quoted = "\r" in "".join(row)
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL)
        writer.writerow(row)
    try:
        if last:
            write_atomically(path, text.getvalue().encode())
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise DatasetError(
            f"the patch file {path} cannot be written ({error.strerror}). Change its permissions, or give another with "
            "--patch FILE."
        ) from None


def apply_patch(table: pd.DataFrame, decisions: Iterable[Decision]) -> Patched:
    """Apply decisions to a table with path, label, sha256 and quarantine; `label_given` keeps the original label."""
    table = table.assign(label_given=table["label"])
    paths = pd.Series(table.index, index=table["path"])
    contents: dict[str, list[int]] = {}
    for row, sha256 in zip(table.index, table["sha256"], strict=True):
        contents.setdefault(sha256, []).append(row)
    classes = set(table["label"])
    decisions = tuple(with_known_names(decision, paths.index, classes) for decision in decisions)
    merges = merged_classes(decisions)
    stale = []
    for decision in decisions:
        if decision.decision == "merge":
            continue
        rows = _rows(decision, table, paths, contents)
        if not rows:
            stale.append(decision)
        elif decision.decision == "relabel":
            table.loc[rows, "label"] = decision.label
        else:
            note = f": {decision.note}" if decision.note else ""
            table.loc[rows, "quarantine"] = f"{EXCLUDED_BY_PATCH}{note}"
    filled = {decision.label for decision in decisions if decision.decision == "merge"}
    before = table["label"].copy()
    for decision in decisions:
        if decision.decision == "merge":
            old = before == decision.item
            table.loc[old, "label"] = merges[decision.item]
            if not old.any() and decision.item not in filled:
                stale.append(decision)
    return Patched(table, tuple(stale))


def with_known_names(decision: Decision, paths: Container[str], classes: Container[str]) -> Decision:
    """The decision with names as in the data: spaces around a name are dropped unless the data has them too."""

    def named(name: str, known: Container[str]) -> str:
        return name if name in known else name.strip() or name

    known = classes if decision.decision == "merge" else paths
    return replace(decision, item=named(decision.item, known), label=named(decision.label, classes))


def _rows(decision: Decision, table: pd.DataFrame, paths: pd.Series, contents: dict[str, list[int]]) -> list[int]:
    """The row of the item; if its path is gone or has another content now, the rows with its content, if any."""
    if decision.item in paths.index:
        row = int(paths[decision.item])
        if decision.sha256 in ("", table["sha256"][row]):
            return [row]
    return contents.get(decision.sha256, [])


def merged_classes(decisions: Iterable[Decision]) -> dict[str, str]:
    """For each merged class, the class at the end of its chain; raises DatasetError if a chain is circular."""
    into = {decision.item: decision.label for decision in decisions if decision.decision == "merge"}
    ends = {}
    for name in into:
        label, seen = name, {name}
        while label in into:
            label = into[label]
            if label in seen:
                raise DatasetError(f"the patch file merges {label!r} into itself; delete one of these merges")
            seen.add(label)
        ends[name] = label
    return ends


def _parse(row: dict[str, str | None], number: int, path: Path) -> Decision:
    # Names of files and classes may start or end with a space: see `with_known_names`.
    values = {name: row.get(name) or "" for name in _COLUMNS}
    values["sha256"] = values["sha256"].strip()
    kind = values.pop("decision").strip()
    label_needed = kind != "exclude"
    if kind not in _KINDS or not values["item"] or (label_needed and not values["label"]):
        raise DatasetError(
            f"row {number} of the patch file {path} is {kind!r} {values['item']!r} -> {values['label']!r}; expected "
            f"the columns {', '.join(_COLUMNS)}, with one of the decisions {', '.join(_KINDS)}, an item, and a label "
            "unless it is exclude. Correct the row, or delete it."
        )
    return Decision(kind, **values)  # type: ignore[arg-type]  # checked above
