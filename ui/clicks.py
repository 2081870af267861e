"""A double click is one click: what it starts is started once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import streamlit as st

SECONDS = 3.0
"""A second click comes sooner; whoever wants the same again is slower."""

T = TypeVar("T")


def once(name: str, about: object, make: Callable[[], T]) -> T:
    """What `make` returns, or, where this was just done about the same, what it returned then.

    The second click of a double click reaches the page before the first one's answer reaches the browser.
    """
    key = f"once-{name}"
    before = st.session_state.get(key)
    if before and before[0] == about and time.monotonic() - before[1] < SECONDS:
        made: T = before[2]
        return made
    made = make()
    st.session_state[key] = (about, time.monotonic(), made)
    return made
