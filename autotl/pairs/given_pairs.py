"""The pairs given to a model: one or many, in any container, each with its name, its image and its text.

An exported model carries a copy of this file, with those that it imports.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autotl.images.given_images import GivenImage, given_images
from autotl.pairs.pair_files import UnreadablePair, read_pair
from autotl.runtime.given_items import is_missing
from autotl.texts.files import file_bytes
from autotl.texts.given_texts import GivenText, given_texts
from autotl.texts.reading import UnreadableText

PAIR_COLUMNS = ("image", "text")
EXPECTED_PAIR = (
    'an image and its text as (image, text) or {"image": image, "text": text}, the path of a .pair file, or the bytes '
    "of one"
)
NOT_A_PAIR_FILE = (
    "it is not a .pair file, and the model takes an image together with a text; give both, or a table with a column of "
    "images and a column of texts"
)
MOST_PAIR_BYTES = 1 << 28
"""Larger files of pairs are refused."""


class GivenPair(NamedTuple):  # a dataclass cannot be created in the module of an exported model
    """A pair to classify.

    name: what its answer is called. pair: its image and its text, or the path of a `.pair` file, or the bytes of one.
    problem: why there is no pair; otherwise empty.
    """

    name: str
    pair: tuple[GivenImage, GivenText] | Path | bytes = b""
    problem: str = ""


def given_pairs(items: object) -> list[GivenPair]:
    """One entry per pair, in the order in which a loop meets them; a single pair is a list of one.

    A tuple of an image and a text is one pair, and a table has a pair in each row, in its columns `image` and `text`.
    Images are what `given_images` takes, texts what `given_texts` takes. A pair is named by the path of its image or of
    its .pair file; others are called "item 0", "item 1", ... by their place. A missing pair, image or text (None or
    NaN) has a problem. Raises TypeError if something is not a pair.
    """
    if hasattr(items, "columns"):
        return _of_table(items)
    if _is_one_pair(items):
        return [_given_pair(items, "items", 0)]
    if not isinstance(items, Iterable):
        raise TypeError(f"items is a {type(items).__name__}; expected {EXPECTED_PAIR}, or an iterable of them")
    return [_given_pair(thing, f"items[{place}]", place) for place, thing in enumerate(items)]


def open_pair(given: GivenPair) -> tuple[GivenImage, GivenText]:
    """The image and the text of a pair, whose file is read if it was given as one; raises UnreadablePair."""
    if isinstance(given.pair, tuple):
        return given.pair
    data, folder = given.pair, Path()
    if isinstance(data, Path):
        path = Path(os.path.expanduser(data))  # noqa: PTH111, Path's own refuses an unknown user's home
        data, folder = _bytes_of_pair(path), path.parent
    image, text = read_pair(data, folder)
    return GivenImage(given.name, image if isinstance(image, bytes) else str(image)), GivenText(given.name, text)


def _bytes_of_pair(path: Path) -> bytes:
    if path.suffix.lower() != ".pair":
        raise UnreadablePair(NOT_A_PAIR_FILE)
    try:
        data = file_bytes(path, MOST_PAIR_BYTES)
    except (UnreadableText, ValueError) as error:  # such as a name with a NUL
        raise UnreadablePair(str(error)) from None
    if len(data) > MOST_PAIR_BYTES:
        raise UnreadablePair(f"it has more than {MOST_PAIR_BYTES >> 20} MiB, the limit of a pair")
    return data


def _is_one_pair(items: object) -> bool:
    if isinstance(items, tuple):
        return len(items) == 2 and not isinstance(items[0], tuple | list | Mapping)
    return isinstance(items, str | bytes | bytearray | memoryview | os.PathLike | Mapping)


def _of_table(table: Any) -> list[GivenPair]:
    if missing := [name for name in PAIR_COLUMNS if name not in table.columns]:
        raise TypeError(
            f"items is a table without the column {missing[0]!r}; a table of pairs has the columns 'image' and 'text', "
            f"and this one has {', '.join(map(repr, table.columns))}"
        )
    rows = zip(table["image"], table["text"], strict=True)
    return [_given_pair(row, f"row {place}", place) for place, row in enumerate(rows)]


def _given_pair(thing: Any, called: str, place: int) -> GivenPair:
    name = f"item {place}"
    if isinstance(thing, str | os.PathLike):
        path = os.fsdecode(thing)
        return GivenPair(path, Path(path)) if path else GivenPair(name, problem="its path is empty")
    if isinstance(thing, bytes | bytearray | memoryview):
        return GivenPair(name, bytes(thing))
    if is_missing(thing):
        return GivenPair(name, problem="it is missing")
    if isinstance(thing, Mapping):
        if missing := [part for part in PAIR_COLUMNS if part not in thing]:
            raise TypeError(f"{called} has no {missing[0]!r}; expected {EXPECTED_PAIR}")
        thing = (thing["image"], thing["text"])
    if isinstance(thing, np.ndarray) and thing.dtype == object:
        thing = list(thing)
    if not (isinstance(thing, tuple | list) and len(thing) == 2):
        raise TypeError(f"{called} is a {type(thing).__name__}; expected {EXPECTED_PAIR}")
    return _of_parts(thing[0], thing[1], called, name)


def _of_parts(image: Any, text: Any, called: str, name: str) -> GivenPair:
    try:
        [own_image] = given_images([image])
    except TypeError as error:
        raise TypeError(str(error).replace("items[0]", f"the image of {called}", 1)) from None
    try:
        [own_text] = given_texts([text])
    except TypeError as error:
        raise TypeError(str(error).replace("items[0]", f"the text of {called}", 1)) from None
    if isinstance(image, str | os.PathLike) and own_image.name:
        name = own_image.name if not own_image.problem else name
    for part, own in (("image", own_image), ("text", own_text)):
        if own.problem:
            return GivenPair(name, problem=f"its {part}: {own.problem}")
    return GivenPair(name, (own_image, own_text))
