"""Clips as an exported model reads them; the model carries a copy of this file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotl.clips.clip_source import UnreadableClip
from autotl.clips.decoder import decode_clip
from autotl.clips.given_clips import GivenClip, given_clips
from autotl.runtime.given_items import file_in_cell

_CLIPS_AT_ONCE = 4
"""The graph reads as many images as 32 of them have frames."""


class ItemReader:
    """Reads clips as the model's graph takes them: its one input `images`, uint8 (n, n_frames, height, width, 3).

    item: what one is called. columns: those of a table of items. unreadable: what `read` raises.
    """

    item = "clip"
    columns = ("clip",)
    unreadable = UnreadableClip

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.height: int = metadata["height"]
        self.width: int = metadata["width"]

    @staticmethod
    def at(name: str, path: str, problem: str = "") -> GivenClip:
        """The clip of a file or of a folder of frames."""
        return GivenClip(name, Path(path), problem)

    @staticmethod
    def path_of(given: GivenClip) -> str:
        """The path that a clip was given as; empty if it was given otherwise."""
        return str(given.clip) if isinstance(given.clip, Path) else ""

    @staticmethod
    def given(items: object) -> list[GivenClip]:
        """One entry per item; see `given_clips`."""
        return given_clips(items)

    def read(self, given: GivenClip) -> NDArray[np.uint8]:
        """The pixels of a clip, uint8 (n_frames, height, width, 3)."""
        return decode_clip(given.clip, self.height, self.width)

    def inputs(self, read: Sequence[NDArray[np.uint8]]) -> dict[str, NDArray[Any]]:
        """The inputs of the graph for what was read."""
        return {"images": np.stack(read)}

    def parts(self, read: Sequence[NDArray[np.uint8]]) -> Iterator[dict[str, NDArray[Any]]]:
        """The same, as many at a time as need little memory, in order."""
        for start in range(0, len(read), _CLIPS_AT_ONCE):
            yield self.inputs(read[start : start + _CLIPS_AT_ONCE])

    def from_table(self, table: Any) -> list[object]:
        """What `given` takes of each row of a table with these columns."""
        return [file_in_cell(cell) for cell in table["clip"]]


def open_reader(_folder: Path, metadata: Mapping[str, Any]) -> ItemReader:
    """What reads the clips given to the model in a folder. metadata: its metadata.json."""
    return ItemReader(metadata)
