"""What another process, perhaps on another machine, tells by standard input: one line, and later that it has gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from autotl.errors import ConfigError


class StandardInput:
    """The first line of standard input, and whether that has been closed since.

    Not read by `sys.stdin`: a thread that waits in it keeps Python from ending.
    """

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self.closed = threading.Event()

    def first_line(self) -> str:
        """Read one line, and from then on watch for the end; ConfigError if there is none."""
        line = b""
        while not line.endswith(b"\n") and (byte := os.read(self._descriptor, 1)):
            line += byte
        if not line.strip():
            raise ConfigError(
                "nothing came by standard input, whose first line is to be the address of the storage (--storage -). "
                "What starts the worker has to pass it on: ssh without -n, srun without --input=none, docker with -i"
            )
        self.watch()
        return line.decode().strip()

    def watch(self, when_closed: Callable[[], object] = lambda: None) -> None:
        """From now on watch for the end, in a thread of its own, which then calls `when_closed`."""
        threading.Thread(target=self._watch, args=(when_closed,), name="standard input", daemon=True).start()

    def _watch(self, when_closed: Callable[[], object]) -> None:
        try:
            while os.read(self._descriptor, 1 << 10):
                pass
        except OSError:
            pass
        self.closed.set()
        when_closed()
