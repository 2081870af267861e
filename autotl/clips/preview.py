"""A clip on a page: a strip of its frames."""

from __future__ import annotations

import io

from PIL import Image

from autotl.clips.clip_source import ClipSource
from autotl.clips.decoder import open_clip

_SHOWN = 4
"""Frames in two rows of two: in the order of reading, and as near to a square as any."""
_GAP = 2


def frames_sheet(source: ClipSource, edge: int) -> bytes:
    """Some frames of a clip side by side, as a JPEG with edges of at most so many pixels; raises UnreadableClip."""
    side = max(8, (edge - _GAP) // 2)
    with open_clip(source, (side, side)) as clip:
        frames = list(clip.frames)
    step = (len(frames) - 1) / (_SHOWN - 1)
    shown = [frames[round(step * place)] for place in range(_SHOWN)]
    small = [_within(frame, side) for frame in shown]
    width, height = small[0].size
    sheet = Image.new("RGB", (2 * width + _GAP, 2 * height + _GAP), "white")
    for place, frame in enumerate(small):
        sheet.paste(frame, ((place % 2) * (width + _GAP), (place // 2) * (height + _GAP)))
    jpeg = io.BytesIO()
    sheet.save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue()


def _within(frame: Image.Image, side: int) -> Image.Image:
    small = frame.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.BICUBIC)
    return small
