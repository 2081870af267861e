"""Tells of the steps of a style transfer, and saves what there is every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autotl.runs.events import Listener, Progress

STAGE = "style"
_SAVE_SECONDS = 3.0


class StyleProgress:
    """Tells the listeners how far it is. total: the number of all steps."""

    def __init__(self, listeners: Sequence[Listener], total: int) -> None:
        self._listeners, self._total = listeners, total
        self._saved = time.monotonic()
        self._first: float | None = None

    def tell(self, done: int, save: Callable[[], None] | None = None) -> None:
        """So many steps are done, from 1. save: called where the last time is a few seconds ago."""
        # The pace is that from the first step on, in which the network is compiled.
        self._first = self._first or time.monotonic()
        rate = (done - 1) / max(time.monotonic() - self._first, 1e-3)
        left = (self._total - done) / rate if rate else None
        for listener in self._listeners:
            listener(Progress(STAGE, done, self._total, rate or None, left))
        if save and time.monotonic() - self._saved >= _SAVE_SECONDS:
            save()
            self._saved = time.monotonic()


@contextmanager
def removed_on_failure(file: Path) -> Iterator[None]:
    """Remove a file that was written within where an error ends it; what an interruption leaves stays."""
    try:
        yield
    except Exception:
        file.unlink(missing_ok=True)
        raise
