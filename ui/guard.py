"""Whatever goes wrong in drawing a part of a page is said kindly; what it was goes to the terminal."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

SAID = (
    "This part of the page cannot be shown: a file that it reads is damaged, or there is a mistake in the app. None of "
    "your files was changed. Load the page again; the terminal in which the app was started says more."
)
CAUGHT: tuple[type[Exception], ...] = (Exception,)
"""Tests catch nothing, so that they see what went wrong."""

P = ParamSpec("P")


@contextmanager
def kindly() -> Iterator[None]:
    """Instead of what could not be drawn, say so; Streamlit's own signals pass, for they are no Exceptions."""
    try:
        yield
    except CAUGHT:
        logging.getLogger(__name__).exception("a part of a page could not be drawn")
        st.error(SAID, icon=":material/broken_image:")


def live(draw: Callable[P, None], *, run_every: float | None = None) -> Callable[P, None]:
    """A fragment of a page, drawn anew every so many seconds, which can fail without the rest."""

    @functools.wraps(draw)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        with kindly():
            draw(*args, **kwargs)

    return st.fragment(guarded, run_every=run_every)
