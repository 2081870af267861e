"""The labels of a dataset as its kind of target needs them: several labels, numbers, or classes in an order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from autotl.data.label_lists import merge_copies, read_label_column
from autotl.data.note import Note
from autotl.data.number_column import read_numbers
from autotl.data.ordered_column import read_ordered
from autotl.targets import CLASSES, LABELS, NUMBER, SEPARATOR, UNKNOWN_MARK, Kind

if TYPE_CHECKING:
    from autotl.data.located_items import Source


def as_target(source: Source, kind: Kind, data: str) -> Source:
    """The source with its labels as texts that `targets.encode` reads; data: its name, for messages.

    Labels that come from folders, or from one column per label, are so already where items may have several. Raises
    DatasetError where the labels cannot be of this kind.
    """
    labels = source.table.set_index("path")["label"].rename(source.label or "label")
    if kind == CLASSES or not (labels != "").any() or (kind == LABELS and not source.label):
        return replace(source, kind=kind)
    layout, texts, notes = source.layout, list(labels), tuple[Note, ...]()
    if kind == LABELS:
        lists = read_label_column(labels, data)
        texts, notes, layout = lists.texts(), lists.notes, f"{layout}, {lists.layout}"
    elif kind == NUMBER:
        numbers = read_numbers(labels, data)
        texts, notes = numbers.texts(), numbers.notes
    else:
        notes = read_ordered(labels, data).notes
    table = source.table.assign(label=pd.Series(texts, index=source.table.index, dtype=str))
    return replace(source, table=table, kind=kind, layout=layout, notes=(*source.notes, *notes))


def merge_folders(source: Source, table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """One row for each content that is in several class folders, with all their labels; other rows as they are.

    table: of the source, with the column sha256. Where labels come from a table, nothing is changed.
    """
    single = not table["label"].str.contains(f"[{SEPARATOR}{UNKNOWN_MARK}]", regex=True).any()
    if source.kind != LABELS or source.label or not single:
        return table, ()
    rows, lists = merge_copies(list(table["label"]), list(table["sha256"]))
    labels = table["label"].to_numpy(dtype=object, copy=True)
    labels[rows] = lists.texts()
    kept = ((table["label"] == "") | (table["sha256"] == "")).to_numpy(copy=True)
    kept[rows] = True
    return table.assign(label=labels)[kept].reset_index(drop=True), lists.notes
