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
) -> tuple[Decision, ...]:
    """Add decisions to the patch file of a data set and take others back; returns all that are now in force.

    new: without their sha256, which is read here. undo: items, or merged classes, whose decision is forgotten.
    label: the column of the labels, as for `fit`. Raises DatasetError where an item, or a class that is taken away, is
        not in the data, or where merges lead in a circle; a class to relabel to or to merge into may be new.
    """
    file = patch or patch_file(data)
    decisions = list(read_patch(file))
    for item in undo:
        kept = [decision for decision in decisions if decision.item != item]
        if len(kept) == len(decisions):
            raise DatasetError(f"{file} has no decision about {item!r}{_hint(item, [d.item for d in decisions])}")
        decisions = kept
    new = list(new)
    if new:
        source = open_source(data, label=label, cache=cache)
        decisions += [_checked(decision, source, data) for decision in new]
        merged_classes(decisions)
    write_patch(file, decisions)
    return read_patch(file)


def _checked(decision: Decision, source: Source, data: Path) -> Decision:
    if decision.decision == "merge":
        classes = sorted(set(source.table["label"]) - {""})
        if decision.item not in classes:
            raise DatasetError(f"{data} has no class {decision.item!r}{_hint(decision.item, classes)}")
        return decision
    paths = list(source.table["path"])
    if decision.item not in paths:
        raise DatasetError(
            f"{data} has no image {decision.item!r}{_hint(decision.item, paths)}; "
            "images are named by their path within the data, such as " + repr(paths[0])
        )
    return replace(decision, sha256=str(hash_files(source.root, [decision.item])["sha256"][0]))


def _hint(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
