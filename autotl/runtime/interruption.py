"""Interruptions from outside (Ctrl-C, a stop button) that are not lost where a library swallows the exception."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Ctrl-C; what a service manager, a queue or a container sends; what a terminal sends when it is closed."""
_requested = threading.Event()
_postponed: list[str] = []


def listen() -> None:
    """Raise KeyboardInterrupt at each of the signals, and remember it; what the caller ignores stays ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _interrupt)


def leave_to_parent() -> None:
    """Ignore the signals in a child that its parent ends: they often reach all processes of a group."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def raise_if_requested() -> None:
    """Raise KeyboardInterrupt if one was raised since the last call and may have gone unnoticed, or was postponed.

    An exception that a signal raises inside a finaliser or a callback of a C library is printed at best. In a thread
    other than the main one it is raised, too, and the main thread still gets it.
    """
    if _requested.is_set():
        if threading.current_thread() is threading.main_thread():
            _requested.clear()
        raise KeyboardInterrupt


@contextmanager
def postponed(text: str) -> Iterator[None]:
    """Let what is done within be finished: the first interruption is answered with a text, the second is raised."""
    _postponed.append(text)
    try:
        yield
    finally:
        _postponed.clear()


def _interrupt(*_: object) -> None:
    _requested.set()
    if not _postponed:
        raise KeyboardInterrupt
    # Not by `print`: the signal may have come in the middle of one.
    with suppress(OSError, ValueError, AttributeError):
        os.write(sys.stderr.fileno(), f"{_postponed.pop()}\n".encode())
