"""A dataset whose layout is not recognised: the reason, and two ways to describe it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from autotl_ui.data.columns import ask_for_columns
from autotl_ui.data.mapping_form import offer_unmapping, show_mapping
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.columns import table_columns
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.workspace import Workspace


def show_unrecognised(workspace: Workspace, data_set: DataSet, reason: str) -> None:
    """Draw why the layout is not recognised, and the forms that describe it."""
    st.warning(f"The layout of these data is not recognised. {plain(reason)}", icon=":material/help:")
    offer_unmapping(workspace, data_set)
    if not data_set.path.exists():
        return
    columns = table_columns(data_set)
    if columns:
        ask_for_columns(workspace, data_set, columns)
    named = " and ".join(plain(name) for name in (data_set.text, data_set.image, data_set.label) if name)
    if named and not data_set.origin:
        st.button(
            f"Do not read the column {named}", key="no-label", on_click=save_data_set,
            args=(workspace, replace(data_set, label=None, text=None, image=None)),
        )  # fmt: skip
    st.subheader("Which folders are the classes?", anchor=False)
    show_mapping(workspace, data_set)
