"""Long lists of images, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import streamlit as st


def pick_page(n_items: int, per_page: int, *, key: str, on_change: Callable[[], None] | None = None) -> slice:
    """Let the reader turn pages, where there is more than one; which of the items to show."""
    n_pages = ceil(n_items / per_page)
    if n_pages <= 1:
        return slice(0, per_page)
    if st.session_state.get(key, 1) > n_pages:  # there were more before
        st.session_state[key] = n_pages
    page = st.pagination(n_pages, key=key, on_change=on_change or "rerun")
    return slice((page - 1) * per_page, page * per_page)
