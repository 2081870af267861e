"""What is kept of each clip: facts, and miniatures of some frames; a video is decoded in a process that may crash."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autotl.clips.clip_source import FRAMES, UnreadableClip
from autotl.clips.decoder import open_clip
from autotl.images.alignment import MINIATURE_EDGE, miniature

COMPARED = (1, FRAMES // 2, FRAMES - 2)
"""The frames by which clips are compared, of those that are read: not the first and the last, which may be titles."""
FACTS = np.dtype(
    [
        ("format", "U8"), ("width", np.int32), ("height", np.int32), ("frames", np.int32), ("seconds", np.float32),
        ("motion", np.float32),
    ]
)  # fmt: skip
"""motion: the mean difference between successive frames that are read, at 32 x 32 pixels, in grey levels."""
RECORD = np.dtype(
    [("facts", FACTS), ("miniatures", np.uint8, (len(COMPARED), 3, MINIATURE_EDGE, MINIATURE_EDGE))]
)  # fmt: skip
_AT_LEAST = (2 * MINIATURE_EDGE, 2 * MINIATURE_EDGE)


def record_bytes(path: Path) -> bytes | str:
    """The record of a clip, or the reason why it cannot be read; what the child process of an `Isolated` does."""
    try:
        with open_clip(path, _AT_LEAST) as clip:
            small = np.stack([miniature(frame) for frame in clip.frames])
            header = clip.header
    except UnreadableClip as error:
        return str(error)
    record = np.zeros((), dtype=RECORD)
    motion = np.abs(np.diff(small[:, 0].astype(np.float32), axis=0)).mean()
    record["facts"] = (header.format, header.width, header.height, header.n_frames, header.seconds, motion)
    record["miniatures"] = small[list(COMPARED)]
    return record.tobytes()


def reason(path: Path) -> bytes | str:
    """Nothing, or the reason why a clip cannot be read; what the child process of an `Isolated` does."""
    found = record_bytes(path)
    return found if isinstance(found, str) else b""
