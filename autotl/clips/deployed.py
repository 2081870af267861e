"""What a deployable of clips says, needs and shows as its example."""

from __future__ import annotations

import base64
import importlib.util
import io
from collections.abc import Mapping
from pathlib import Path

from autotl.clips.clip_source import CLIP_READER_VERSION, FRAMES
from autotl.clips.decoder import open_clip
from autotl.images.decoder import DECODER_VERSION
from autotl.modality import Deployed

_EXAMPLE_EDGE = 64


def deployed(size: tuple[int, int], _files: Mapping[str, Path]) -> Deployed:
    """How a deployable for clips at a size is written; without PyAV there were no videos, and it needs none."""
    has_pyav = importlib.util.find_spec("av") is not None
    return Deployed(
        facts={
            "task": "video-classification", "height": size[0], "width": size[1], "frames": FRAMES,
            "decoder": DECODER_VERSION, "reader": CLIP_READER_VERSION,
        },
        packages=("onnxruntime", "pillow", "numpy", *(("av",) if has_pyav else ())),
        columns={"clip": "binary"},
        example=lambda data, _name: {"clip": base64.b64encode(_small_animation(data)).decode()},
    )  # fmt: skip


def _small_animation(data: bytes) -> bytes:
    """A small GIF of a clip, whatever the size of the original."""
    with open_clip(data, (_EXAMPLE_EDGE, _EXAMPLE_EDGE)) as clip:
        frames = [frame.convert("RGB") for frame in clip.frames]
    for frame in frames:
        frame.thumbnail((_EXAMPLE_EDGE, _EXAMPLE_EDGE))
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    return buffer.getvalue()
