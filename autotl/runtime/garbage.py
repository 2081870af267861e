"""Garbage: when Python looks for it, and when the memory that was freed goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause the collector, as while modules are imported: next to nothing of what they make is garbage.

    It visits every object of every imported module.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def give_back_memory() -> None:
    """Give memory that was freed back to the system, as the C library of Linux does for large arrays only.

    Threads that made many arrays of up to 32 MB otherwise keep about as much as they had at once (man 3 malloc_trim).
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library, such as musl
            ctypes.CDLL(None).malloc_trim(0)
