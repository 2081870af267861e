"""The labels of a dataset as its kind of target needs them: several labels, numbers, or classes in an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from autotl.data.label_lists import merge_copies, read_label_column, require_names
from autotl.data.label_table import ONE_COLUMN_EACH
from autotl.data.note import Note
from autotl.data.number_column import read_numbers
from autotl.data.ordered_column import read_ordered
from autotl.targets import CLASSES, LABELS, NUMBER, Kind

if TYPE_CHECKING:
    from autotl.data.located_items import Source


def as_target(source: Source, kind: Kind, data: str, order: Sequence[str] = ()) -> Source:
    """The source with its labels as texts that `targets.encode` reads.

    data: its name, for messages. order: of ordered classes, empty if their names tell it.
    Labels that come from folders, or from one column per label, are so already where items may have several. Raises
    DatasetError if the labels cannot be of this kind.
    """
    labels = source.table.set_index("path")["label"].rename(source.label or "label")
    if kind == CLASSES or not (labels != "").any() or (kind == LABELS and not source.label):
        return replace(source, kind=kind, order=tuple(order))
    layout, texts, notes = source.layout, list(labels), tuple[Note, ...]()
    if kind == LABELS:
        lists = read_label_column(labels, data)
        texts, notes, layout = lists.texts(), lists.notes, f"{layout}, {lists.layout}"
    elif kind == NUMBER:
        numbers = read_numbers(labels, data)
        texts, notes = numbers.texts(), numbers.notes
    else:
        notes = read_ordered(labels, data, order).notes
    table = source.table.assign(label=pd.Series(texts, index=source.table.index, dtype=str))
    notes = (*source.notes, *notes)
    return replace(source, table=table, kind=kind, order=tuple(order), layout=layout, notes=notes)


def merge_folders(source: Source, table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """One row for each content that is in several class folders, with all their labels; other rows as they are.

    table: of the source, with the column sha256. Nothing is changed where labels come from a table. Raises
    DatasetError if the name of a folder cannot be that of a label.
    """
    if source.kind != LABELS or source.label or ONE_COLUMN_EACH in source.layout:
        return table, ()
    require_names(sorted(set(table["label"])), "the data have a folder for the label")
    rows, lists = merge_copies(list(table["label"]), list(table["sha256"]))
    labels = table["label"].to_numpy(dtype=object, copy=True)
    labels[rows] = lists.texts()
    kept = ((table["label"] == "") | (table["sha256"] == "")).to_numpy(copy=True)
    kept[rows] = True
    return table.assign(label=labels)[kept].reset_index(drop=True), lists.notes
