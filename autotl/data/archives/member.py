"""What every reader of an archive hands over, and how it says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

CHUNK = 2**20
"""Bytes read at a time."""
PACK_AGAIN = "Pack the archive again without it, or unpack it yourself and give the folder."
FETCH_AGAIN = "Fetch or pack the archive again."
_SHOWN = 200


@dataclass(frozen=True)
class Member:
    """A file or a folder in an archive; packed: its own packed bytes, where the format tells."""

    name: str
    size: int
    folder: bool
    packed: int | None
    open: Callable[[], IO[bytes]]


class RefusedError(Exception):
    """What is wrong, and with which member (empty: with the archive); the archive's name is added where it is known."""

    member = ""


@contextmanager
def about(member: str) -> Iterator[None]:
    """Say of which member a refusal speaks."""
    try:
        yield
    except RefusedError as refusal:
        refusal.member = refusal.member or member
        raise


@contextmanager
def reading() -> Iterator[None]:
    """Take any failure for damage, where the standard library reads an archive."""
    try:
        yield
    except RefusedError:
        raise
    # Its parsers stumble over crafted bytes with whatever they happen to raise: IndexError, UnicodeDecodeError,
    # struct.error, zlib.error, RecursionError. Each means the same here.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise RefusedError(f"is damaged, cut short or contradicts itself ({reason}). {FETCH_AGAIN}") from error


def shown(name: str) -> str:
    """A name for a message: an archive may make it as long as it likes."""
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…")
