"""The events that a search writes to events.jsonl, each read once and kept."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

N_KEPT = 16
"""The number of event logs that are kept."""
_KEPT_FIELDS = {
    "trial": {
        "name", "number", "state", "strategy", "backbone", "size", "head", "value", "low", "high", "seconds", "started",
        "best_trial", "reason",
    },
    "finding": {"severity", "message", "advice"},
    "dataset": {"n_items", "classes", "train", "validation", "test"},
}  # fmt: skip
"""The fields of long events that are kept; lists of files and the like would only fill the memory."""

Event = Mapping[str, Any]


class EventLog:
    """The events of one file, and how far it was read. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def read(self) -> list[Event]:
        """All events so far; a line that is still being written waits, and a damaged one is skipped."""
        with self._lock:
            try:
                self._read_on()
            except OSError:
                self._forget()
            return list(self._events)

    def _forget(self) -> None:
        self._events: list[Event] = []
        self._offset, self._inode = 0, 0

    def _read_on(self) -> None:
        with self._path.open("rb") as file:
            found = self._path.stat()
            if found.st_ino != self._inode or found.st_size < self._offset:  # another file by the same name
                self._forget()
                self._inode = found.st_ino
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._add(line)

    def _add(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return
        if not isinstance(event, dict) or not isinstance(event.get("event"), str) or _is_odd(event):
            return
        kept = _KEPT_FIELDS.get(event["event"])
        if kept:
            event = {name: value for name, value in event.items() if name in kept | {"event", "time"}}
        if event["event"] == "progress" and self._events and self._events[-1]["event"] == "progress":
            self._events[-1] = event  # only the latest of many is news
        else:
            self._events.append(event)


def _is_odd(event: Event) -> bool:
    """Whether an event is too damaged to be used."""
    when = event.get("time", 0.0)
    dated = isinstance(when, int | float) and math.isfinite(when)
    return not dated or not isinstance(event.get("classes", []), list)


@lru_cache(maxsize=N_KEPT)
def _event_log(path: Path) -> EventLog:
    return EventLog(path)


def read_events(folder: Path) -> list[Event]:
    """The events of a run so far, without the lists of files in them."""
    return _event_log(folder / "events.jsonl").read()
