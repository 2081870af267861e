"""Reads images as an exported model does, which carries a copy of this file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotl.images.cropping import decode_cropped, find_corners, open_crop
from autotl.images.decoder import ImageSource, UnreadableImage, decode
from autotl.images.given_images import GivenImage, given_images, read_source
from autotl.runtime.given_items import file_in_cell


class ImageReader:
    """Reads images as the model's graph takes them: its one input `images`, uint8 (n, height, width, 3).

    folder: the model's, from which it opens what crops images, if the model does.
    item: what one is called. columns: those of a table of items. unreadable: what `read` raises.
    """

    item = "image"
    columns = ("image",)
    unreadable = UnreadableImage

    def __init__(self, metadata: Mapping[str, Any], folder: Path | None = None) -> None:
        self.height: int = metadata["height"]
        self.width: int = metadata["width"]
        self._find = open_crop(folder) if folder and "crop" in metadata else None

    @staticmethod
    def at(name: str, path: str, problem: str = "") -> GivenImage:
        """The image of a file."""
        return GivenImage(name, path, problem)

    @staticmethod
    def path_of(given: GivenImage) -> str:
        """The path that an image was given as; empty if it was given otherwise."""
        return given.image if isinstance(given.image, str) else ""

    @staticmethod
    def given(items: object) -> list[GivenImage]:
        """One entry per item; see `given_images`."""
        return given_images(items)

    def read(self, given: GivenImage) -> NDArray[np.uint8]:
        """The pixels of an image, uint8 (height, width, 3)."""
        return self.pixels(read_source(given.image))

    def pixels(self, source: ImageSource) -> NDArray[np.uint8]:
        """As `read`, of a file or its bytes."""
        if self._find is None:
            return decode(source, self.height, self.width)
        return decode_cropped(source, self.height, self.width, find_corners(source, self._find))

    @property
    def crops(self) -> bool:
        """Whether the model looks at a part of each image."""
        return self._find is not None

    def inputs(self, read: Sequence[NDArray[np.uint8]]) -> dict[str, NDArray[Any]]:
        """The inputs of the graph for what was read."""
        return {"images": np.stack(read)}

    def parts(self, read: Sequence[NDArray[np.uint8]]) -> Iterator[dict[str, NDArray[Any]]]:
        """The same, as many at a time as need little memory, in order."""
        if read:
            yield self.inputs(read)

    def from_table(self, table: Any) -> list[object]:
        """What `given` takes of each row of a table with these columns."""
        return [file_in_cell(cell) for cell in table["image"]]
