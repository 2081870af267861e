"""Several columns of labels of the same items: one dataset of all of them, and one for each target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.data.current_labels import decided_table
from autotl.data.dataset import Dataset
from autotl.data.given_order import require_order
from autotl.data.listing import TABLE_SUFFIXES
from autotl.data.patch import Decision, apply_patch
from autotl.data.source import Source
from autotl.data.tables import column_names
from autotl.data.target_labels import as_target
from autotl.runtime.user_paths import split_names
from autotl.runtime.wording import listed
from autotl.targets import LABELS, NUMBER, ORDERED, SEPARATOR, Kind, classes_in, is_number

TARGET = "target."
"""Prefix of the columns with the labels of each target, in the table of all targets."""
_ATTRIBUTE = "attribute."
_NOTHING = "-"


def names_of_targets(label: str | None, data: Path, attributes: Path | None) -> tuple[str, ...]:
    """The columns of labels that a text such as "garment,season" names; empty if it is one column, or None.

    data, attributes: as in `data.source.open_source`. A column whose own name has a comma is one column.
    """
    names = split_names(label or "")
    if len(names) < 2:
        return ()
    tables = [path for path in (data, attributes) if path and path.is_file()]
    if data.is_dir():
        tables += [path for path in sorted(data.iterdir()) if path.is_file()]
    readable = (path for path in tables if path.suffix.lower() in TABLE_SUFFIXES)
    return () if any(label in column_names(path) for path in readable) else names


def combine(sources: Mapping[str, Source]) -> Source:
    """The source of several targets, by name, from the source of each: the same items with the labels of all.

    Its label is the combination of the labels, empty if an item has none, and its table has a column
    `target.NAME` for each target, which is not an attribute in it.
    """
    first = next(iter(sources.values()))
    names = {f"{_ATTRIBUTE}{name}" for name in sources}
    table = first.table.drop(columns=[name for name in first.table.columns if name in names])
    aligned = {name: source.table.set_index("path").reindex(table["path"]) for name, source in sources.items()}
    for column in ("given_split", "missing"):
        values = np.array([one[column].fillna("") for one in aligned.values()], dtype=object)
        # An item that one column leaves out still belongs to the others; a part of the split holds for all.
        told = values != "" if column == "given_split" else values == ""
        table[column] = values[told.argmax(axis=0), np.arange(len(table))]
    for name, one in aligned.items():
        table[TARGET + name] = one["label"].fillna("").to_numpy()
    table["label"] = _combination(table, sources)
    notes = tuple(dict.fromkeys(note for source in sources.values() for note in source.notes))
    items, is_named, _ = first.layout.partition(", labels in the column ")
    layout = f"{items.partition(', column ')[0]}, " + (
        f"labels in the columns {listed(map(repr, sources))}"
        if is_named
        else ", ".join(f"column {name!r}" for name in sources)
    )
    return replace(first, table=table, label=",".join(sources), layout=layout, notes=notes, kind="classes", order=())


def in_given_order(
    sources: Mapping[str, Source], kinds: Mapping[str, Kind], order: Sequence[str], decisions: Iterable[Decision],
    data: Path, *, min_per_class: int = 0,
) -> dict[str, Source]:  # fmt: skip
    """The sources with the order of their classes: one order applies to the targets all of whose classes it names.

    sources: by target; those of ordered classes are opened as of classes. Classes with fewer than `min_per_class`
    items need not be named. Raises DatasetError if the order names all classes of no target, or others.
    """
    counts, known = dict[str, dict[str, int]](), dict[str, set[str]]()
    for name, source in sources.items():
        if kinds[name] == ORDERED:
            table = decided_table(source, _about(decisions, ORDERED, set(source.table["label"]) - {""}))
            found = table["label"][~table["excluded"] & (table["label"] != "")].value_counts().sort_index()
            counts[name] = {str(label): int(n) for label, n in found.items() if n >= min_per_class}
            known[name] = {*table["label"], *table["label_given"]} - {""}
    named = [name for name, needed in counts.items() if set(needed) <= set(order)]
    if not named or set(order) - set().union(*(known[name] for name in named)):
        nearest = max(counts, key=lambda name: len(known[name] & set(order)))
        where = f"the target {nearest!r} of {data}"
        require_order(order, counts[nearest], others=known[nearest], where=where)
    return {
        name: as_target(source, ORDERED, data.name, [one for one in order if name in named and one in known[name]])
        if name in counts else source
        for name, source in sources.items()
    }  # fmt: skip


@dataclass(frozen=True)
class TargetDatasets:
    """The data of several targets.

    together: all items that have a label for some target; its classes are the combinations of labels. of: by target,
    the dataset of its own study, whose table has the same rows.
    """

    together: Dataset
    of: Mapping[str, Dataset]


def divide_by_target(
    scanned: Dataset, kinds: Mapping[str, Kind], decisions: Iterable[Decision],
    orders: Mapping[str, tuple[str, ...]] | None = None,
) -> TargetDatasets:  # fmt: skip
    """A dataset for each target from the dataset that was read of a combined source.

    Items without a label for a target are unlabelled in its dataset only. The labels of the other targets are
    attributes there, so that a model can be audited by them. kinds: of the targets, by name; orders: of their classes,
    if they were given. decisions: of the patch file; an item is left out for all targets, and relabelled, or its class
    merged, for those that have such a class.
    """
    table, names = scanned.table, list(kinds)
    rows = item_rows(scanned)
    pairs = scanned.pairs.assign(first=rows[scanned.pairs["first"]], second=rows[scanned.pairs["second"]])
    shared = table.drop(columns=[TARGET + name for name in names])
    decided, labels, stale = tuple(decisions), dict[str, pd.DataFrame](), list[set[Decision]]()
    for name, kind in kinds.items():
        given = shared.assign(label=table[TARGET + name])
        mine = _about(decided, kind, set(given["label"]) - {""})
        patched = apply_patch(given, mine)
        labels[name] = patched.table
        stale.append(set(patched.stale) | (set(decided) - set(mine)))
    nowhere = set.intersection(*stale)
    of = {}
    for name in names:
        others = {_ATTRIBUTE + other: labels[other]["label"] for other in names if other != name}
        dataset = replace(
            scanned, table=labels[name].assign(**others), stale=(), layout=_layout(scanned, name), kind=kinds[name],
            order=(orders or {}).get(name, ()),
        )  # fmt: skip
        of[name] = replace(dataset, pairs=_renumbered(pairs, dataset))
    whole = table.assign(**{TARGET + name: labels[name]["label"] for name in names})
    whole = whole.assign(label=_combination(whole, names), label_given=_combination(table, names))
    together = replace(scanned, table=whole, stale=tuple(one for one in decided if one in nowhere))
    return TargetDatasets(replace(together, pairs=_renumbered(pairs, together)), of)


def _layout(scanned: Dataset, name: str) -> str:
    return f"{scanned.layout}; here the column {name!r}"


def _about(decisions: Iterable[Decision], kind: Kind, labels: set[str]) -> tuple[Decision, ...]:
    """The decisions that concern a target. labels: that occur in its column."""
    classes = {*labels, *classes_in(kind, sorted(labels))}

    def concerns(decision: Decision) -> bool:
        if decision.decision == "exclude":
            return True
        if kind == NUMBER:
            return decision.decision == "relabel" and is_number(decision.label)
        named = decision.item if decision.decision == "merge" else decision.label
        parts = {part.strip() for part in named.split(SEPARATOR)} if kind == LABELS else set()
        return bool({named, named.strip(), *parts} & classes)

    return tuple(filter(concerns, decisions))


def _combination(table: pd.DataFrame, names: Iterable[str]) -> pd.Series:
    labels = table[[TARGET + name for name in names]]
    combined = labels.where(labels != "", _NOTHING).agg(" | ".join, axis=1) if len(table) else pd.Series(dtype=str)
    return combined.where((labels != "").any(axis=1), "")


def item_rows(dataset: Dataset) -> np.ndarray:
    """The row of the table that each item is in."""
    return np.flatnonzero(((dataset.table["quarantine"] == "") & (dataset.table["label"] != "")).to_numpy())


def _renumbered(pairs: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Pairs of rows as pairs of a dataset's items; those with another row are dropped."""
    number = np.full(len(dataset.table), -1)
    rows = item_rows(dataset)
    number[rows] = np.arange(len(rows))
    first, second = number[pairs["first"]], number[pairs["second"]]
    both = (first >= 0) & (second >= 0)
    return pairs[both].assign(first=first[both], second=second[both]).reset_index(drop=True)
