"""Cells pasted from a spreadsheet, as a dataset of texts."""

from __future__ import annotations

import streamlit as st

from autotl.data.pasted_cells import LABEL_COLUMN, TEXT_COLUMN, PastedCells, read_pasted, write_pasted
from autotl.errors import AutoTLError
from autotl_ui.widgets.clicks import once
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.data_sets import DataSet, free_name, free_title, save_data_set
from autotl_ui.workspace.workspace import Workspace

TITLE = "Pasted texts"
FILE = "pasted.csv"
MOST_LETTERS = 5_000_000
MOST_TITLE_LETTERS = 80


def show_pasting(workspace: Workspace) -> DataSet | None:
    """Draw the field for pasted cells; returns the dataset that was just made of them."""
    if not st.toggle("Paste cells of a spreadsheet", key="pasting"):
        return None
    with st.form("paste", border=False):
        pasted = st.text_area(
            "Two columns: the texts, and their labels", key="pasted", height=200, max_chars=MOST_LETTERS,
            placeholder="Mark two columns in your spreadsheet, copy them, and paste them here",
        )  # fmt: skip
        title = st.text_input(
            "Name", key="pasted-title", placeholder=TITLE, max_chars=MOST_TITLE_LETTERS, autocomplete="off"
        )
        pressed = st.form_submit_button("Use these texts", key="use-pasted", icon=":material/content_paste:")
    if not pressed:
        return None
    try:
        cells = read_pasted(str(pasted))
    except AutoTLError as error:
        st.error(plain(f"This cannot be used: {error}"))
        return None
    return once("paste", (cells, str(title)), lambda: _add(workspace, cells, str(title).strip() or TITLE))


def _add(workspace: Workspace, cells: PastedCells, title: str) -> DataSet | None:
    try:
        name = free_name(workspace, title)
        table = workspace.data / name / FILE
        write_pasted(cells, table)
        data_set = DataSet(name, free_title(workspace, title), table, LABEL_COLUMN, text=TEXT_COLUMN)
        save_data_set(workspace, data_set)
    except OSError as error:
        st.error(plain(f"The texts could not be kept in {workspace.data}: {error.strerror}."))
        return None
    return data_set
