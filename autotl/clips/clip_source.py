"""A clip as its frames, whatever holds them; which frames of a clip are read.

An exported model carries a copy of this file, so it imports the standard library, numpy and Pillow, nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

from PIL import Image

FRAMES = 8
"""Frames that are read of each clip."""
CLIP_READER_VERSION = 1
"""Changes whenever the same clip would give other pixels; caches and models record it."""
MOST_FRAME_PIXELS = 1 << 25
"""Clips with larger frames are refused: several frames are in memory at once."""

ClipSource: TypeAlias = bytes | Path | str
"""The bytes of a file, the path of one, or the path of a folder of frames."""


class UnreadableClip(ValueError):  # noqa: N818, as of images and texts
    """Why a clip cannot be read; the message is the plain reason, without the file's name."""


class ClipHeader(NamedTuple):  # a dataclass cannot be created in the module of an exported model
    """What is known of a clip without its pixels.

    format: such as "MP4", "GIF" or "frames". width, height: of a frame, upright. n_frames: 1 or more. seconds: 0 if
    unknown.
    """

    format: str
    width: int
    height: int
    n_frames: int
    seconds: float


class OpenClip(NamedTuple):
    """A clip that is being read. frames: FRAMES of them, RGB, upright, in order; to be read while the clip is open."""

    header: ClipHeader
    frames: Iterator[Image.Image]


def frame_positions(n_frames: int) -> list[int]:
    """The positions of the FRAMES frames that are read of a clip: the middle of each of as many equal parts.

    Of a clip that is played backwards the same frames are read. A clip with fewer frames gives some several times.
    """
    middles = [(2 * part + 1) * n_frames / (2 * FRAMES) - 0.5 for part in range(FRAMES)]
    first = [math.ceil(middle - 0.5) for middle in middles[: FRAMES // 2]]
    return [*first, *(n_frames - 1 - position for position in reversed(first))]


def require_size(width: int, height: int) -> None:
    """Raise UnreadableClip if frames are too large, or have no size."""
    if width <= 0 or height <= 0:
        raise UnreadableClip("its frames have no size")
    if width * height > MOST_FRAME_PIXELS:
        raise UnreadableClip(
            f"its frames have {round(width * height / 1e6)} megapixels, and the limit of a clip is "
            f"{round(MOST_FRAME_PIXELS / 1e6)}"
        )
