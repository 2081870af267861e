"""Interruptions from outside (Ctrl-C, a stop button) that are not lost where a library swallows the exception."""

from __future__ import annotations

import signal
import threading

_requested = threading.Event()


def listen() -> None:
    """Raise KeyboardInterrupt at SIGINT and SIGTERM, and remember it; SIGINT that the caller ignores stays ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)


def raise_if_requested() -> None:
    """Raise KeyboardInterrupt where one was raised since the last call and may have gone unnoticed.

    An exception that a signal raises inside a finaliser or a callback of a C library is printed at best.
    """
    if _requested.is_set():
        _requested.clear()
        raise KeyboardInterrupt


def _interrupt(*_: object) -> None:
    _requested.set()
    raise KeyboardInterrupt
