"""Tickets of a queue: first come, first served; a ticket counts as long as the process that holds it lives.

A ticket is a file that its holder keeps locked. The system takes the lock back when the process ends, however it ends,
so that neither a killed job nor a killed app leaves a place taken. The first few living tickets of a lane may work.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, so every ticket counts as dead, and no job waits
    fcntl = None  # type: ignore[assignment]

_SUFFIX = ".ticket"


@dataclass(frozen=True)
class Ticket:
    """A ticket just taken. descriptor: of the open file; the process that inherits it holds the ticket."""

    path: Path
    descriptor: int


@dataclass(frozen=True)
class _Card:
    """What is written on a ticket. began: when its turn came, in seconds since the epoch; None before."""

    owner: str = ""
    began: float | None = None


@contextmanager
def alone(queue: Path) -> Iterator[None]:
    """No other process or thread takes a ticket of this queue meanwhile."""
    queue.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(queue / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def take(lane: Path, *, owner: str) -> Ticket:
    """Take the next ticket of a lane, and throw dead ones away; only while `alone` in the lane's queue."""
    lane.mkdir(parents=True, exist_ok=True)
    for path in _tickets(lane):
        if not is_held(path):
            path.unlink(missing_ok=True)
    # The time, so that no number is given twice even where the lane was empty in between.
    latest = max((int(path.stem) for path in _tickets(lane)), default=0)
    path = lane / f"{max(latest + 1, time.time_ns()):020d}{_SUFFIX}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    if fcntl:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.pwrite(descriptor, _written(_Card(owner)), 0)
    return Ticket(path, descriptor)


def note_begin(ticket: Path) -> None:
    """Write on a ticket that its turn has come."""
    card = replace(_read(ticket), began=time.time())
    descriptor = os.open(ticket, os.O_WRONLY)
    try:
        os.pwrite(descriptor, _written(card), 0)  # one call, so that no reader finds half of it
    finally:
        os.close(descriptor)


def began(ticket: Path) -> float | None:
    """When a ticket's turn came, in seconds since the epoch; None before, and where it was thrown away."""
    return _read(ticket).began


def count_ahead(ticket: Path) -> int:
    """How many living tickets of the lane are older."""
    return sum(is_held(path) for path in _tickets(ticket.parent) if path.name < ticket.name)


def count_of(queue: Path, owner: str) -> int:
    """How many living tickets an owner has in all lanes."""
    lanes = [path for path in queue.iterdir() if path.is_dir()] if queue.is_dir() else []
    return sum(_read(path).owner == owner and is_held(path) for lane in lanes for path in _tickets(lane))


def is_held(ticket: Path) -> bool:
    """Whether the process that took it lives."""
    if not fcntl:
        return False
    try:
        descriptor = os.open(ticket, os.O_RDONLY)
    except OSError:
        return False
    try:
        # Shared: those who look do not get in one another's way.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _written(card: _Card) -> bytes:
    return json.dumps({name: value for name, value in asdict(card).items() if value is not None}).encode()


def _tickets(lane: Path) -> list[Path]:
    return sorted(path for path in lane.glob(f"*{_SUFFIX}") if path.stem.isdigit())


def _read(ticket: Path) -> _Card:
    try:
        card = json.loads(ticket.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _Card()
    if not isinstance(card, dict):
        return _Card()
    began = card.get("began")
    return _Card(str(card.get("owner", "")), float(began) if isinstance(began, int | float) else None)
