"""A member of an archive, and how a reader reports what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

CHUNK = 2**20
"""Bytes read at a time."""
PACK_AGAIN = "Pack the archive again without it, or unpack it yourself and give the folder."
FETCH_AGAIN = "Fetch or pack the archive again."
_MOST_SHOWN = 200


@dataclass(frozen=True)
class Member:
    """A file or a folder in an archive.

    size: bytes, as the archive declares. packed: compressed bytes of this member, None if the format does not say.
    """

    name: str
    size: int
    folder: bool
    packed: int | None
    open: Callable[[], IO[bytes]]


class RefusedError(Exception):
    """What is wrong, and with which member (empty: with the archive itself); `unpack` adds the archive's name."""

    member = ""


@contextmanager
def naming(member: str) -> Iterator[None]:
    """Note which member a RefusedError raised in the block is about."""
    try:
        yield
    except RefusedError as refusal:
        refusal.member = refusal.member or member
        raise


@contextmanager
def parsing() -> Iterator[None]:
    """Turn any exception of the standard library's parsers into a RefusedError that speaks of damage."""
    try:
        yield
    except RefusedError:
        raise
    # On crafted bytes they raise IndexError, UnicodeDecodeError, struct.error, zlib.error, RecursionError and more.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise RefusedError(f"is damaged, cut short or contradicts itself ({reason}). {FETCH_AGAIN}") from error


def quoted(name: str) -> str:
    """A name for a message, shortened: an archive may contain names of any length."""
    return repr(name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}…")
