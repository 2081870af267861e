"""Labels after the decisions of the patch file, without reading an image: for labelling queues and the app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from autotl.data.patch import Decision, apply_patch, merged_classes, with_known_names
from autotl.data.source import Source
from autotl.errors import DatasetError


@dataclass(frozen=True)
class CurrentLabels:
    """Every image of a dataset with its current label, empty where it has none, and all classes in order.

    classes: in the order of their keys; those that were merged keep their place. merged: what each of these was merged
    into.
    """

    files: Mapping[str, Path]
    given: Mapping[str, str]
    classes: tuple[str, ...]
    merged: Mapping[str, str]


def current_labels(source: Source, decisions: Iterable[Decision], *, order: Iterable[str] = ()) -> CurrentLabels:
    """The labels after the decisions; an image of a merged class has the class it was merged into.

    order: classes that come first, in this order, whether or not an image has them; all others follow by name.
    """
    paths, labels = set(source.table["path"]), set(source.table["label"])
    decisions = tuple(with_known_names(decision, paths, labels) for decision in decisions)
    try:
        merges = merged_classes(decisions)
    except DatasetError:  # a patch file edited into a circle is reported by the next check
        merges = {}
    there = source.table[source.table["missing"] == ""]
    given = {str(path): str(label) for path, label in zip(there["path"], there["label"], strict=True)}
    # A class remains available even when its last image got another.
    classes = set(given.values())
    given |= {d.item: d.label for d in decisions if d.decision == "relabel" and d.item in given}
    given = {item: merges.get(label, label) for item, label in given.items()}
    files = {item: source.root / item for item in given}
    in_order = tuple(dict.fromkeys([*order, *sorted((classes | {*given.values()}) - {""})]))
    return CurrentLabels(files, given, in_order, {label: merges[label] for label in in_order if label in merges})


def decided_table(source: Source, decisions: Iterable[Decision]) -> pd.DataFrame:
    """The rows of a source after the decisions: path, label, label_given (as it came) and excluded (bool).

    Images are matched by path alone. Raises DatasetError if merges lead in a circle.
    """
    table = source.table[["path", "label"]].reset_index(drop=True)
    names = {path.strip() for path in table["path"]}
    # Without the content's hash: no file is read here. Decisions about renamed images are matched by a check or a fit.
    fitting = [
        Decision(d.decision, d.item, d.label) for d in decisions if d.decision == "merge" or d.item.strip() in names
    ]
    patched = apply_patch(table.assign(sha256="", quarantine=""), fitting).table
    return patched[["path", "label", "label_given"]].assign(excluded=patched["quarantine"] != "")
