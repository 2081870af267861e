"""Watching the head node of Ray, without which nothing is performed any more."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autotl.errors import NoWorkersError

LOOK_SECONDS = 2.0
GONE_SECONDS = 20.0
"""A head node that does not answer for so long is gone. One that is started again on its old state is back sooner."""


class Head:
    """The head node at HOST:PORT."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._seen = time.monotonic()
        self._gone = threading.Event()

    def require(self) -> None:
        """Raise NoWorkersError if it is gone."""
        if self._gone.is_set():
            raise NoWorkersError("the head node of Ray is gone")

    def await_answer(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Wait while it does not answer; raises NoWorkersError once it is gone."""
        while not self.look() and not is_over():
            self.require()
            self._gone.wait(LOOK_SECONDS)

    def look(self) -> bool:
        """Whether it answers now."""
        try:
            with socket.create_connection((self._host.strip("[]"), self._port), timeout=LOOK_SECONDS):
                self._seen = time.monotonic()
                return True
        except OSError:
            if time.monotonic() - self._seen > GONE_SECONDS:
                self._gone.set()
            return False


@contextmanager
def watched_head(address: str) -> Iterator[Head]:
    """Look at the head node every few seconds."""
    head, over = Head(address), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            head.look()

    thread = threading.Thread(target=watch, name="ray-head", daemon=True)
    thread.start()
    try:
        yield head
    finally:
        over.set()
        thread.join()
