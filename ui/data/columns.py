"""The columns of a table: which ones hold the texts, the images and the labels."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from autotl.data.confined_tables import require_confined
from autotl.data.item_columns import NO_IMAGES
from autotl.errors import AutoTLError
from autotl_ui.workspace.columns import table_columns
from autotl_ui.workspace.data_sets import DataSet, is_own, save_data_set
from autotl_ui.workspace.workspace import Workspace


def ask_for_columns(workspace: Workspace, data_set: DataSet, columns: list[str]) -> None:
    """Draw the lists of columns, and the button that reads the dataset by them."""
    left, middle, right = st.columns(3)
    text = left.selectbox(
        "The column that holds the texts", columns, key=f"text-{data_set.name}", placeholder="None, or recognised",
        index=columns.index(data_set.text) if data_set.text in columns else None,
        help="Leave it empty to learn from images alone. Rows with an image, too, are learned from as pairs of both.",
    )  # fmt: skip
    choices = [*columns, NO_IMAGES]
    image = middle.selectbox(
        "The column that gives the images", choices, key=f"image-{data_set.name}", placeholder="None, or recognised",
        index=choices.index(data_set.image) if data_set.image in choices else None,
        format_func=lambda name: "No images, only the texts" if name == NO_IMAGES else name,
    )  # fmt: skip
    label = right.selectbox(
        "The column that holds the classes", columns, key=f"label-{data_set.name}", placeholder="Choose one",
        index=columns.index(data_set.label) if data_set.label in columns else None,
    )  # fmt: skip
    given = [name for name in (text, image, label) if name]
    st.button(
        "Read these columns" if text or image else "Read the classes from it", key="use-label", type="primary",
        disabled=not given or len(set(given)) < len(given), on_click=_use,
        args=(workspace, replace(data_set, text=text, image=image, label=label)),
        help="Choose a column of its own for each." if len(set(given)) < len(given) else None,
    )  # fmt: skip


def offer_columns(workspace: Workspace, data_set: DataSet, *, open_at_once: bool) -> None:
    """Draw the lists of columns, at once or behind a switch."""
    wanted = open_at_once or st.toggle("Not right? Choose the columns", key=f"columns-{data_set.name}")
    if wanted:
        ask_for_columns(workspace, data_set, table_columns(data_set))


def _use(workspace: Workspace, data_set: DataSet) -> None:
    try:
        if is_own(workspace, data_set):
            require_confined(data_set.path)
    except AutoTLError as error:
        st.session_state["data-problem"] = str(error)
        return
    save_data_set(workspace, data_set)
    st.session_state[f"columns-{data_set.name}"] = False
