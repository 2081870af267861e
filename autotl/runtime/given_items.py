"""What is given to a model, one item or many, walked over in one way; an exported model carries a copy of this file."""

from __future__ import annotations

import base64
import numbers
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def each_given(items: object, of: Callable[[Any, int], T], *, plural: str, column: str, expected: str) -> list[T]:
    """What `of(thing, place)` makes of each item, in the order in which a loop meets them; a single one is a list.

    Raises TypeError if it is given a table, a mapping or something else that holds no items. expected: what an item is.
    """
    if hasattr(items, "columns"):
        raise TypeError(f"items is a table; give its column of {plural}, such as table[{column!r}]")
    if isinstance(items, Mapping):
        raise TypeError(f"items is a {type(items).__name__}; give its values, such as list({plural}.values())")
    if isinstance(items, str | bytes | bytearray | memoryview | os.PathLike):
        return [of(items, 0)]
    if not isinstance(items, Iterable):
        raise TypeError(f"items is a {type(items).__name__}; expected {expected}, or an iterable of them")
    return [of(thing, place) for place, thing in enumerate(items)]


def is_missing(thing: object) -> bool:
    """Whether it stands for a value that is not known: None, NaN, or what pandas has for it."""
    if thing is None or type(thing).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(thing, numbers.Real) and thing != thing


def file_in_cell(cell: object) -> bytes:
    """The file in a cell of a table: its bytes, or their base64 text; something that no decoder takes for others."""
    if isinstance(cell, str):
        try:
            return base64.b64decode("".join(cell.split()), validate=True)
        except ValueError:
            return b"text that is not base64"  # the decoder refuses it, and the error names the row
    return bytes(cell) if isinstance(cell, bytes | bytearray | memoryview) else b""
