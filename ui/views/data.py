"""The data page."""

from __future__ import annotations

import streamlit as st

from autotl_ui.data_sets import list_data_sets
from autotl_ui.dropzone import drop_zone
from autotl_ui.workspace import current


def show() -> None:
    """Draw the page."""
    st.title("Data")
    name = drop_zone(current(), key="drop")
    if name:
        st.write("settled", name)
    st.write([d.name for d in list_data_sets(current())])


show()
