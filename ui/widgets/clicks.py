"""A double click is one click: what it starts is started once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from autotl_ui.server.access import current

SECONDS = 3.0
"""A double click is faster than this, a person who wants the same again is slower."""

T = TypeVar("T")


@dataclass
class _Click:
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: Any = None
    done: float = float("-inf")


# Not in the session: the second click starts a run of the page beside that of the first, whose changes may be lost.
_clicks: dict[Hashable, _Click] = {}
_looking = threading.Lock()


def once(name: str, about: Hashable, make: Callable[[], T]) -> T:
    """What `make` returns, or, where this was just done about the same, what it returned then.

    The second click of a double click reaches the page before the first one's answer reaches the browser, even while
    `make` is at work.
    """
    key = (str(current().root), name, about)
    with _looking:
        for other, old in list(_clicks.items()):
            if other != key and time.monotonic() - old.done > SECONDS and not old.lock.locked():
                del _clicks[other]
        click = _clicks.setdefault(key, _Click())
    with click.lock:
        if time.monotonic() - click.done >= SECONDS:
            click.made = make()
            click.done = time.monotonic()
        made: T = click.made
        return made
