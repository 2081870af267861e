"""What is learned of each item: the columns of the labels, what kind of labels they are, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from autotl.data.patch import read_patch
from autotl.data.preflight import listed_order
from autotl.errors import AutoTLError
from autotl.targets import CLASSES, LABELS, NUMBER, ORDERED, Kind, named_kind
from autotl_ui.server.access import current
from autotl_ui.workspace.columns import has_columns, table_columns
from autotl_ui.workspace.data_sets import DataSet, find_data_set, save_data_set
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


def choose_order(data_set: DataSet) -> DataSet:
    """Ask for the order of the classes, if they are to have one; returns the dataset with it.

    It is kept with the dataset.
    """
    if data_set.target != ORDERED:
        return data_set
    try:
        source = list_items(data_set.path, data_set.label, data_set.text, image=data_set.image)
        known = listed_order(source, read_patch(data_set.patch_file))
    except AutoTLError:  # the page says why
        return data_set
    classes = sorted(known.names)
    key = f"order-{data_set.name}-{classes}"
    if key not in st.session_state:
        fits = bool(data_set.order) and set(data_set.order) <= set(classes)
        st.session_state[key] = list(data_set.order if fits else known.names if known.how else ())
    chosen = st.multiselect(
        "The classes from low to high", classes, key=key, placeholder="Choose them one after another",
        on_change=_keep_order, args=(data_set.name, key),
        help="Clear the field, then choose the lowest class first. The farther apart two classes are, the more it "
        "counts to confuse them.",
    )  # fmt: skip
    return replace(data_set, order=() if tuple(chosen) == known.names and known.how else tuple(chosen))


def _column_of_labels(data_set: DataSet) -> str:
    try:
        kind = CLASSES if data_set.target == ORDERED else data_set.target
        return list_items(data_set.path, data_set.label, data_set.text, kind, image=data_set.image).label
    except AutoTLError:  # the page says why
        return data_set.label or ""


def _keep(data_set: DataSet, key: str) -> None:
    save_data_set(current(), replace(data_set, target=named_kind(str(st.session_state[key]))))


def _keep_order(name: str, key: str) -> None:
    if kept := find_data_set(current(), name):  # without a column that was chosen for this search only
        save_data_set(current(), replace(kept, order=tuple(st.session_state[key])))
