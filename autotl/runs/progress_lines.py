"""How far a command is, from the progress events that it writes to a file (`--events FILE`)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

_TAIL_BYTES = 8192


@dataclass(frozen=True)
class ProgressSoFar:
    """Items done, of a total that is 0 while it is unknown. rate: items per second so far, 0 where it is unknown."""

    done: int = 0
    total: int = 0
    rate: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether everything is done."""
        return 0 < self.total <= self.done

    @property
    def seconds_left(self) -> float | None:
        """The remaining time at the rate so far; None where it is unknown."""
        return (self.total - self.done) / self.rate if self.rate and self.total else None


def read_progress_so_far(events: Path) -> ProgressSoFar:
    """Read the first and the last whole line; nothing is done where there is no such line."""
    try:
        with events.open("rb") as file:
            first = file.readline()
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return ProgressSoFar()
    start = _parse(first)
    latest = next((found for line in reversed(lines) if (found := _parse(line))), None)
    if start is None or latest is None:
        return ProgressSoFar()
    done, total, time = latest
    seconds = time - start[2]
    return ProgressSoFar(done, total, done / seconds if seconds > 0 else 0.0)


def _parse(line: bytes) -> tuple[int, int, float] | None:
    """Items done, their total and the time; None for a line that is damaged or is not about progress."""
    try:
        event = json.loads(line)
        return int(event["done"]), int(event["total"]), float(event["time"])
    except (ValueError, KeyError, TypeError):
        return None
