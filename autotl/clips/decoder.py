"""The one reader of clips: training, the app and every exported model turn a clip into the same pixels.

FRAMES frames, evenly spaced, are read of a video (PyAV), an animated GIF or WebP, a folder of frames or a file of
them. Each is resized to the input size from any shape, as images are. What a file is, its first bytes say.

An exported model carries a copy of this file, so it imports the standard library, numpy and Pillow, nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autotl.clips.animations import ANIMATION, open_animation
from autotl.clips.clip_source import ClipSource, OpenClip, UnreadableClip
from autotl.clips.frame_files import FRAMES_MAGIC, open_frames
from autotl.clips.videos import open_video

_FIRST_BYTES = 16


def decode_clip(source: ClipSource, height: int, width: int) -> NDArray[np.uint8]:
    """Read a clip into the pixels that a model sees: uint8 (FRAMES, height, width, 3), RGB. Raises UnreadableClip."""
    at_least = (2 * height, 2 * width)
    with open_clip(source, at_least) as clip:
        return np.stack([np.asarray(_resized(frame, height, width)) for frame in clip.frames])


@contextmanager
def open_clip(source: ClipSource, at_least: tuple[int, int] | None = None) -> Iterator[OpenClip]:
    """Open a clip. at_least: (height, width) below which a frame need not be read. Raises UnreadableClip."""
    if not isinstance(source, bytes) and Path(source).is_dir():
        opened = open_frames(Path(source), at_least)
    else:
        start = _first_bytes(source)
        if ANIMATION.match(start):
            opened = open_animation(source)
        elif start.startswith(FRAMES_MAGIC):
            opened = open_frames(source if isinstance(source, bytes) else Path(source).read_bytes(), at_least)
        else:
            opened = open_video(source)
    with opened as clip:
        yield clip


def _first_bytes(source: ClipSource) -> bytes:
    if isinstance(source, bytes):
        start = source[:_FIRST_BYTES]
    else:
        path = Path(source)
        try:
            found, is_file = path.exists(), path.is_file()  # a pipe would block for ever
            start = b""
            if is_file:
                with path.open("rb") as file:
                    start = file.read(_FIRST_BYTES)
        except (OSError, ValueError) as error:  # such as a name with a NUL
            raise UnreadableClip(f"it cannot be read: {getattr(error, 'strerror', None) or error}") from None
        if not is_file:
            raise UnreadableClip("it is not a file" if found else "there is no such file")
    if not start:
        raise UnreadableClip("it is empty (0 bytes)")
    return start


def _resized(frame: Image.Image, height: int, width: int) -> Image.Image:
    """A frame at the input size, with the antialiased bicubic filter that images are resized with."""
    factor = max(1, min(frame.height // (2 * height), frame.width // (2 * width)))
    reduced = frame.reduce(factor) if factor > 1 else frame
    extent = (0, 0, frame.width / factor, frame.height / factor)
    return reduced.resize((width, height), Image.Resampling.BICUBIC, box=extent)
