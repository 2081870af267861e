"""What is learned of each item: the columns of the labels, and what kind of labels they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from autotl.errors import AutoTLError
from autotl.targets import CLASSES, LABELS, NUMBER, ORDERED, Kind, named_kind
from autotl_ui.server.access import current
from autotl_ui.workspace.columns import has_columns, table_columns
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.listings import list_items

KINDS: Mapping[Kind, str] = {
    CLASSES: "One class each",
    ORDERED: "Classes with an order, such as grades",
    LABELS: "Any number of labels each",
    NUMBER: "A number",
}


def choose_target(data_set: DataSet) -> tuple[str, ...]:
    """Ask what to learn from a table; returns the columns that were chosen, none for the one that is recognised.

    The kind of the labels is kept with the dataset. Nothing is asked where the folders are the classes.
    """
    if not has_columns(data_set):
        return ()
    columns = [name for name in table_columns(data_set) if name != data_set.text]
    known = _column_of_labels(data_set)
    left, right = st.columns(2)
    chosen = left.multiselect(
        "What to learn", columns, key=f"learn-{data_set.name}", default=[known] if known in columns else [],
        placeholder="The column that is recognised",
        help="The column of the labels. With several columns, one search learns each of them, and one model answers "
        "them all.",
    )  # fmt: skip
    key = f"target-{data_set.name}"
    right.selectbox(
        "What the labels are", list(KINDS), key=key, index=list(KINDS).index(data_set.target),
        format_func=KINDS.__getitem__, on_change=_keep, args=(data_set, key),
        help="Several labels in one cell are divided by semicolons.",
    )  # fmt: skip
    return () if chosen == [known] else tuple(chosen)


def _column_of_labels(data_set: DataSet) -> str:
    try:
        return list_items(data_set.path, data_set.label, data_set.text, data_set.target).label
    except AutoTLError:  # the page says why
        return data_set.label or ""


def _keep(data_set: DataSet, key: str) -> None:
    save_data_set(current(), replace(data_set, target=named_kind(str(st.session_state[key]))))
