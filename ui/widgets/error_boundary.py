"""An error in drawing a part of a page is replaced by a friendly message; the details go to the terminal."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from autotl_ui.widgets.words import plain

SAID = (
    "This part of the page cannot be shown: a file that it reads is damaged, or there is a mistake in the app. None of "
    "your files was changed. Load the page again; the terminal in which the app was started says more."
)
UNDONE = "That could not be done, or not to its end"
CAUGHT: tuple[type[Exception], ...] = (Exception,)
"""Tests catch nothing, so that errors are visible to them."""

P = ParamSpec("P")


@contextmanager
def error_boundary() -> Iterator[None]:
    """Show a message in place of what could not be drawn; Streamlit's own signals pass, as they are not Exceptions."""
    try:
        yield
    except CAUGHT:
        logging.getLogger(__name__).exception("a part of a page could not be drawn")
        st.error(SAID, icon=":material/broken_image:")


def admit(error: Exception) -> bool:
    """Say that a click had no effect, in place of Streamlit's own box, with a button that shows the page again.

    error: raised by a widget's callback, or outside of a page. Returns True, which means that it is handled.
    """
    reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    st.error(f"{UNDONE}{plain(reason)}.", icon=":material/error:")
    st.button("Show the page again", key="again-after-error", icon=":material/refresh:")
    return True


def live(draw: Callable[P, None], *, run_every: float | None = None) -> Callable[P, None]:
    """A fragment of a page, drawn again every `run_every` seconds, which can fail without the rest."""

    @functools.wraps(draw)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        with error_boundary():
            draw(*args, **kwargs)

    return st.fragment(guarded, run_every=run_every)
