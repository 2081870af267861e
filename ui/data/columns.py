"""The columns of a table: which one holds the texts, and which one the labels."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from autotl.data.confined_tables import require_confined
from autotl.errors import AutoTLError
from autotl_ui.workspace.columns import table_columns
from autotl_ui.workspace.data_sets import DataSet, is_own, save_data_set
from autotl_ui.workspace.workspace import Workspace


def ask_for_columns(workspace: Workspace, data_set: DataSet, columns: list[str]) -> None:
    """Draw the lists of columns, and the button that reads the dataset by them."""
    left, right = st.columns(2)
    text = left.selectbox(
        "The column that holds the texts", columns, key=f"text-{data_set.name}", placeholder="None, or recognised",
        index=columns.index(data_set.text) if data_set.text in columns else None,
        help="Only for tables whose items are texts. Leave it empty for images.",
    )  # fmt: skip
    label = right.selectbox(
        "The column that holds the classes", columns, key=f"label-{data_set.name}", placeholder="Choose one",
        index=columns.index(data_set.label) if data_set.label in columns else None,
    )  # fmt: skip
    st.button(
        "Read these columns" if text else "Read the classes from it", key="use-label", type="primary",
        disabled=not (label or text) or text == label, on_click=_use, args=(workspace, data_set, text, label),
        help="The texts and the classes cannot be the same column." if text and text == label else None,
    )  # fmt: skip


def offer_columns(workspace: Workspace, data_set: DataSet, *, open_at_once: bool) -> None:
    """Draw the lists of columns, at once or behind a switch."""
    wanted = open_at_once or st.toggle("Not right? Choose the columns", key=f"columns-{data_set.name}")
    if wanted:
        ask_for_columns(workspace, data_set, table_columns(data_set))


def _use(workspace: Workspace, data_set: DataSet, text: str | None, label: str | None) -> None:
    try:
        if is_own(workspace, data_set):
            require_confined(data_set.path)
    except AutoTLError as error:
        st.session_state["data-problem"] = str(error)
        return
    save_data_set(workspace, replace(data_set, text=text, label=label))
    st.session_state[f"columns-{data_set.name}"] = False
