"""The frames of an animated GIF or WebP.

An exported model carries a copy of this file, so it imports the standard library, numpy and Pillow, nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from autotl.clips.clip_source import ClipHeader, ClipSource, OpenClip, UnreadableClip, frame_positions, require_size
from autotl.images.decoder import UnreadableImage, open_header

ANIMATION = re.compile(rb"GIF8[79]a|RIFF....WEBP", re.DOTALL)
"""How an animated image begins."""
_MOST_ANIMATION_FRAMES = 20_000


@contextmanager
def open_animation(source: ClipSource) -> Iterator[OpenClip]:
    """Open an animated GIF or WebP; transparent areas are filled with white. Raises UnreadableClip.

    A file with one frame is a clip that does not move.
    """
    try:
        with open_header(source) as image:
            require_size(*image.size)
            n_frames = int(getattr(image, "n_frames", 1))
            if n_frames > _MOST_ANIMATION_FRAMES:
                raise UnreadableClip(f"it has {n_frames:,} frames, and the limit is {_MOST_ANIMATION_FRAMES:,}")

            def frames() -> Iterator[Image.Image]:
                for position in frame_positions(n_frames):
                    image.seek(position)
                    yield _on_white(image)

            image.load()  # a WebP has no duration before
            milliseconds = image.info.get("duration", 0)
            seconds = n_frames * milliseconds / 1000 if isinstance(milliseconds, int | float) else 0.0
            yield OpenClip(ClipHeader(str(image.format), *image.size, n_frames, seconds), frames())
    except UnreadableImage as error:
        raise UnreadableClip(str(error)) from None


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    colours = image.convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(colours, mask=colours.getchannel("A"))
    return paper
