"""The texts given to a model: one or many, in any container, each with its name.

An exported model carries a copy of this file, with those that it imports.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from autotl.runtime.given_items import each_given, is_missing

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
    return each_given(items, _given_text, plural="texts", column="text", expected=EXPECTED_TEXT)


def _given_text(thing: Any, place: int) -> GivenText:
    name = f"item {place}"
    if isinstance(thing, str):
        return GivenText(name, str(thing))
    if isinstance(thing, os.PathLike):
        return GivenText(os.fsdecode(thing), Path(os.fsdecode(thing)))
    if isinstance(thing, bytes | bytearray | memoryview):
        return GivenText(name, bytes(thing))
    if is_missing(thing):
        return GivenText(name, problem="it is missing")
    raise TypeError(f"items[{place}] is a {type(thing).__name__}; expected {EXPECTED_TEXT}")
