"""Renaming and deleting a dataset."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from autotl_ui.widgets.study import Study, turn_to
from autotl_ui.widgets.words import plain
from autotl_ui.workspace.checks import is_checking, stop_check
from autotl_ui.workspace.data_sets import DataSet, delete_data_set, is_own, save_data_set
from autotl_ui.workspace.workspace import Workspace

MOST_LETTERS = 80
_MENU = "data-menu"


def show_managing(workspace: Workspace, data_set: DataSet) -> None:
    """Draw the menu of a dataset."""
    own = is_own(workspace, data_set)
    # It has a state so that it can be closed: else it would lie upon the question.
    with st.popover("More", icon=":material/more_horiz:", key=_MENU, on_change="rerun"):
        st.caption(f"Where it is: {plain(workspace.shown(data_set.origin or data_set.path))}")
        title = st.text_input("Name", data_set.title, key=f"title-{data_set.name}", max_chars=MOST_LETTERS)
        st.button(
            "Rename", key="rename", icon=":material/edit:", on_click=_rename, args=(workspace, data_set, title),
            disabled=not title.strip() or title.strip() == data_set.title,
        )  # fmt: skip
        word = "Delete …" if own else "Remove from the list …"
        if st.button(word, key="delete", icon=":material/delete:", on_click=_close_menu):
            _confirm(workspace, data_set)


@st.dialog("Are you sure?")
def _confirm(workspace: Workspace, data_set: DataSet) -> None:
    if is_own(workspace, data_set):
        st.markdown(
            f"**{plain(data_set.title)}**, the app's copy of its images and all decisions about them are deleted. "
            "The originals on your machine stay. Models trained on it stay too, but cannot be trained on it again."
        )
        word = "Delete it"
    else:
        st.markdown(
            f"**{plain(data_set.title)}** disappears from this list. Its files stay untouched at "
            f"{plain(workspace.shown(data_set.origin or data_set.path))}, and so do the decisions about them: they "
            "are back when you add it again."
        )
        word = "Remove it"
    with st.container(horizontal=True):
        gone = st.button(word, key="delete-now", type="primary", on_click=_delete, args=(workspace, data_set))
        if st.button("Keep it", key="keep") or gone:
            st.rerun()  # closes the dialog; a callback within it draws the dialog only


def _close_menu() -> None:
    st.session_state[_MENU] = False


def _delete(workspace: Workspace, data_set: DataSet) -> None:
    if is_checking(workspace, data_set):
        stop_check(workspace, data_set)
    delete_data_set(workspace, data_set)
    turn_to(Study())


def _rename(workspace: Workspace, data_set: DataSet, title: str) -> None:
    save_data_set(workspace, replace(data_set, title=title.strip()))
