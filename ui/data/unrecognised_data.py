"""A dataset whose layout is not recognised: the reason, and two ways to describe it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from autotl.data.confined_tables import require_confined
from autotl.data.listing import TABLE_SUFFIXES
from autotl.data.tables import column_names
from autotl.errors import AutoTLError
from autotl_ui.data.mapping_form import offer_unmapping, show_mapping
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.data_sets import DataSet, is_own, save_data_set
from autotl_ui.workspace.workspace import Workspace

MOST_COLUMNS = 200


def show_unrecognised(workspace: Workspace, data_set: DataSet, reason: str) -> None:
    """Draw why the layout is not recognised, and the forms that describe it."""
    st.warning(f"The layout of these data is not recognised. {plain(reason)}", icon=":material/help:")
    offer_unmapping(workspace, data_set)
    if not data_set.path.exists():
        return
    columns = _columns(data_set)
    if columns:
        label = st.selectbox("The column that holds the classes", columns, index=None, key=f"label-{data_set.name}")
        st.button(
            "Read the classes from it", key="use-label", type="primary", disabled=not label, on_click=_use_label,
            args=(workspace, data_set, label),
        )  # fmt: skip
    if data_set.label and not data_set.origin:
        st.button(
            f"Do not read the column {plain(data_set.label)}", key="no-label", on_click=save_data_set,
            args=(workspace, replace(data_set, label=None)),
        )  # fmt: skip
    st.subheader("Which folders are the classes?", anchor=False)
    show_mapping(workspace, data_set)


def _use_label(workspace: Workspace, data_set: DataSet, label: str) -> None:
    try:
        if is_own(workspace, data_set):
            require_confined(data_set.path)
    except AutoTLError as error:
        st.session_state["data-problem"] = str(error)
        return
    save_data_set(workspace, replace(data_set, label=label))


def _columns(data_set: DataSet) -> list[str]:
    """The columns of the tables in which the labels may be."""
    path = data_set.path
    tables = [path] if path.is_file() else sorted(path.glob("*"))
    names = [
        name for table in tables if table.suffix.lower() in TABLE_SUFFIXES and table.is_file()
        for name in column_names(table)
    ]  # fmt: skip
    return list(dict.fromkeys(names))[:MOST_COLUMNS]
