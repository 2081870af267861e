"""Noting decisions about a data set in its patch file, after making sure that they fit the data."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from autotl.errors import DatasetError
from autotl.hashing import hash_files
from autotl.patch import Decision, merged_classes, patch_file, read_patch, write_patch
from autotl.sources import Source, open_source


def decide(
    data: Path,
    new: Iterable[Decision],
    *,
    undo: Iterable[str] = (),
    label: str | None = None,
    patch: Path | None = None,
    cache: Path,
    source: Source | None = None,
) -> tuple[Decision, ...]:
    """Add decisions to the patch file of a data set and take others back; returns all that are now in force.

    new: without their sha256, which is read here. undo: items, or merged classes, whose decision is forgotten.
    label: the column of the labels, as for `fit`. source: the data set, where it has been opened already.
    Raises DatasetError where an item, or a class that is taken away, is not in the data, or where merges lead in a
        circle; a class to relabel to or to merge into may be new.
    """
    file = patch or patch_file(data)
    decisions = list(read_patch(file))
    forgotten, known = set(undo), {decision.item for decision in decisions}
    for item in sorted(forgotten - known):
        raise DatasetError(f"{file} has no decision about {item!r}{_hint(item, sorted(known))}")
    decisions = [decision for decision in decisions if decision.item not in forgotten]
    new = list(new)
    if new:
        decisions += _checked(new, source or open_source(data, label=label, cache=cache), data)
        merged_classes(decisions)
    write_patch(file, decisions)
    return read_patch(file)


def _checked(new: list[Decision], source: Source, data: Path) -> list[Decision]:
    """The decisions with the contents of their items, hashed together: there may be hundreds."""
    classes = set(source.table["label"]) - {""}
    paths = set(source.table["path"])
    for decision in new:
        if decision.decision == "merge" and decision.item not in classes:
            raise DatasetError(f"{data} has no class {decision.item!r}{_hint(decision.item, sorted(classes))}")
        if decision.decision != "merge" and decision.item not in paths:
            raise DatasetError(
                f"{data} has no image {decision.item!r}{_hint(decision.item, sorted(paths))}; "
                "images are named by their path within the data, such as " + repr(source.table["path"].iloc[0])
            )
    items = [decision.item for decision in new if decision.decision != "merge"]
    contents = dict(zip(items, hash_files(source.root, items)["sha256"], strict=True))
    return [
        decision if decision.decision == "merge" else replace(decision, sha256=str(contents[decision.item]))
        for decision in new
    ]


def _hint(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
