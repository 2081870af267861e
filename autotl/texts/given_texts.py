"""The texts given to a model: one or many, in any container, each with its name.

An exported model carries a copy of this file, so it imports the standard library, nothing more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

EXPECTED_TEXT = "a text, the path of a text file as a pathlib.Path, or the bytes of one"


class GivenText(NamedTuple):  # a dataclass cannot be created in the module of an exported model
    """A text to classify.

    name: what its answer is called. text: the text itself, or a path, or a file's bytes.
    problem: why there is no text; otherwise empty.
    """

    name: str
    text: Any = None
    problem: str = ""


def given_texts(items: object) -> list[GivenText]:
    """One entry per text, in the order in which a loop meets them; a single text is a list of one.

    A path is its own name; anything else is called "item 0", "item 1", ... by its place. A missing value (None or NaN)
    has a problem in place of a text. Raises TypeError if something is not a text.
    """
    if hasattr(items, "columns"):
        raise TypeError("items is a table; give its column of texts, such as table['text']")
    if isinstance(items, Mapping):
        raise TypeError(f"items is a {type(items).__name__}; give its values, such as list(texts.values())")
    if isinstance(items, str | bytes | bytearray | memoryview | os.PathLike):
        return [_given_text(items, 0)]
    if not isinstance(items, Iterable):
        raise TypeError(f"items is a {type(items).__name__}; expected {EXPECTED_TEXT}, or an iterable of them")
    return [_given_text(thing, place) for place, thing in enumerate(items)]


def _given_text(thing: Any, place: int) -> GivenText:
    name = f"item {place}"
    if isinstance(thing, str):
        return GivenText(name, str(thing))
    if isinstance(thing, os.PathLike):
        return GivenText(os.fsdecode(thing), Path(os.fsdecode(thing)))
    if isinstance(thing, bytes | bytearray | memoryview):
        return GivenText(name, bytes(thing))
    if thing is None or type(thing).__name__ in ("NAType", "NaTType") or (isinstance(thing, float) and thing != thing):
        return GivenText(name, problem="it is missing")
    raise TypeError(f"items[{place}] is a {type(thing).__name__}; expected {EXPECTED_TEXT}")
