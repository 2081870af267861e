"""Files of events, one line of JSON per event: the one place where they are written and read."""

from __future__ import annotations

import json
import os
import threading
import time
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotl.errors import ConfigError
from autotl.runs.events import KINDS, Event, Progress

if TYPE_CHECKING:
    from pydantic import TypeAdapter

EVENTS_FILE = "events.jsonl"
"""In a run folder."""
_N_KEPT = 16
"""The number of files whose events are kept in memory."""
_PROGRESS_SECONDS = 0.25
"""Progress within a stage is written this often."""


class EventWriter:
    """A listener that appends events to a file; of progress within a stage, only some."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stage, self._written = "", 0.0

    @classmethod
    def create(cls, path: Path) -> EventWriter:
        """Begin a new file; ConfigError if it cannot be written."""
        try:
            path.write_bytes(b"")
        except OSError as error:
            raise ConfigError(
                f"the events cannot be written to {path} ({error.strerror}). Name another file with --events FILE."
            ) from None
        return cls(path)

    def __call__(self, event: Event) -> None:
        """Append one event."""
        if isinstance(event, Progress):
            now = time.monotonic()
            if event.stage == self._stage and now - self._written < _PROGRESS_SECONDS and event.done < event.total:
                return
            self._stage, self._written = event.stage, now
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(event.to_json())}\n")

    def repair(self) -> None:
        """End the line that a kill may have left half written, so that no event is appended to it."""
        if self._path.exists() and not self._path.read_bytes().endswith(b"\n"):
            with self._path.open("ab") as file:
                file.write(b"\n")


class EventReader:
    """The events of one file, of which each call reads what is new. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def read(self) -> list[Event]:
        """All events so far, and of progress the latest in a row.

        A line that is still being written waits; one that is damaged, or of an unknown kind, is skipped.
        """
        with self._lock:
            try:
                self._read_on()
            except OSError:
                self._forget()
            return list(self._events)

    def _forget(self) -> None:
        self._events: list[Event] = []
        self._offset, self._first_line = 0, b""

    def _read_on(self) -> None:
        with self._path.open("rb") as file:
            # Another file by the same name may have the same inode, and be as long.
            first_line = file.readline()
            if first_line != self._first_line or os.fstat(file.fileno()).st_size < self._offset:
                self._forget()
                self._first_line = first_line
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                if event := parse_event(line):
                    self._add(event)

    def _add(self, event: Event) -> None:
        if isinstance(event, Progress) and self._events and isinstance(self._events[-1], Progress):
            self._events[-1] = event
        else:
            self._events.append(event)


def parse_event(line: bytes) -> Event | None:
    """Read one line; None if it is damaged, or of a kind that this version does not know."""
    try:
        document = json.loads(line)
        event: Event = _adapter(document["event"]).validate_python({"time": 0.0, **document})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return event


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # only those who read events wait for it

    return TypeAdapter(KINDS[kind])


@lru_cache(maxsize=_N_KEPT)
def _reader(path: Path) -> EventReader:
    return EventReader(path)


def read_events(path: Path) -> list[Event]:
    """The events of a file so far; what was read before is kept in memory. Empty where there is no such file."""
    return _reader(path).read()
