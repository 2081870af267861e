"""Pairs of an image and a text as an exported model reads them; the model carries a copy of this file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotl.images.decoder import UnreadableImage
from autotl.images.image_reader import ImageReader
from autotl.pairs.given_pairs import PAIR_COLUMNS, GivenPair, given_pairs, open_pair
from autotl.pairs.pair_files import UnreadablePair
from autotl.runtime.given_items import file_in_cell
from autotl.texts.reading import UnreadableText
from autotl.texts.text_reader import TextReader

ReadPair = tuple[NDArray[np.uint8] | None, str | None]
"""The pixels and the text of a pair; None for a part that the graph does not read."""


class ItemReader:
    """Reads pairs as the model's graph takes them: the inputs of its images and those of its texts.

    A graph of only one of the parts, whose metadata lacks what is needed to read the other, is given this part of each
    pair. item: what one is called. columns: those of a table of items. unreadable: what `read` raises.
    """

    item = "pair"
    columns = PAIR_COLUMNS
    unreadable = UnreadablePair

    def __init__(self, folder: Path, metadata: Mapping[str, Any]) -> None:
        self._images = ImageReader(metadata) if "height" in metadata else None
        self._texts = TextReader(folder, metadata) if "input" in metadata else None

    @staticmethod
    def at(name: str, path: str, problem: str = "") -> GivenPair:
        """The pair of a file."""
        return GivenPair(name, Path(path), problem)

    @staticmethod
    def path_of(given: GivenPair) -> str:
        """The path that a pair was given as; empty if it was given otherwise."""
        return str(given.pair) if isinstance(given.pair, Path) else ""

    @staticmethod
    def given(items: object) -> list[GivenPair]:
        """One entry per item; see `given_pairs`."""
        return given_pairs(items)

    def read(self, given: GivenPair) -> ReadPair:
        """The pixels and the text of a pair, as training read them."""
        image, text = open_pair(given)
        try:
            pixels = self._images.read(image) if self._images else None
        except UnreadableImage as error:
            raise UnreadablePair(f"its image: {error}") from None
        try:
            return pixels, self._texts.read(text) if self._texts else None
        except UnreadableText as error:
            raise UnreadablePair(f"its text: {error}") from None

    @staticmethod
    def text_of(read: ReadPair) -> str:
        """The text of what was read."""
        return read[1] or ""

    @staticmethod
    def with_text(read: ReadPair, text: str) -> ReadPair:
        """What was read, with another text and the same image."""
        return read[0], text

    def inputs(self, read: Sequence[ReadPair]) -> dict[str, NDArray[Any]]:
        """The inputs of the graph for what was read."""
        inputs = self._images.inputs(_of_images(read)) if self._images else {}
        return inputs | (self._texts.inputs(_of_texts(read)) if self._texts else {})

    def parts(self, read: Sequence[ReadPair]) -> Iterator[dict[str, NDArray[Any]]]:
        """The same, as many at a time as need little memory, in order."""
        if not self._texts:
            yield from self._images.parts(_of_images(read)) if self._images else ()
            return
        start = 0
        for part in self._texts.parts(_of_texts(read)):
            stop = start + int(part.get("n_texts", len(read)))  # counts of words are one part
            yield (self._images.inputs(_of_images(read[start:stop])) if self._images else {}) | part
            start = stop

    def from_table(self, table: Any) -> list[object]:
        """What `given` takes of each row of a table with these columns."""
        return [(file_in_cell(image), text) for image, text in zip(table["image"], table["text"], strict=True)]


def open_reader(folder: Path, metadata: Mapping[str, Any]) -> ItemReader:
    """What reads the pairs given to the model in a folder. metadata: its metadata.json."""
    return ItemReader(folder, metadata)


def _of_images(read: Sequence[ReadPair]) -> list[NDArray[np.uint8]]:
    return [pixels for pixels, _ in read if pixels is not None]


def _of_texts(read: Sequence[ReadPair]) -> list[str]:
    return [text for _, text in read if text is not None]
