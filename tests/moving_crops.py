"""Clips made of real images: a crop that moves over one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

Motion = Callable[[float], tuple[float, float, float]]
"""Time from 0 to 1 -> where the crop is: its centre, in shares of the room there is, and its side, a share of the
image's."""


def pan(time: float) -> tuple[float, float, float]:
    """From left to right."""
    return time, 0.5, 0.5


def zoom_in(time: float) -> tuple[float, float, float]:
    return 0.5, 0.5, 0.95 - 0.6 * time


def zoom_out(time: float) -> tuple[float, float, float]:
    return zoom_in(1 - time)


def shake(time: float) -> tuple[float, float, float]:
    return 0.5 + 0.3 * np.sin(40 * time), 0.5 + 0.3 * np.cos(31 * time), 0.6


def still(_time: float) -> tuple[float, float, float]:
    return 0.5, 0.5, 0.6


def frames_of(
    image: Image.Image, motion: Motion, *, n: int = 16, size: tuple[int, int] = (96, 96)
) -> list[Image.Image]:
    """The frames of a crop that moves over an image."""
    plain = image.convert("RGBA")
    paper = Image.new("RGB", plain.size, "white")
    paper.paste(plain, mask=plain.getchannel("A"))
    frames = []
    for step in range(n):
        x, y, side = motion(step / max(n - 1, 1))
        width, height = side * paper.width, side * paper.height
        left, top = x * (paper.width - width), y * (paper.height - height)
        frames.append(paper.resize(size, Image.Resampling.BILINEAR, box=(left, top, left + width, top + height)))
    return frames


def write_gif(path: Path, frames: Sequence[Image.Image]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=list(frames[1:]), duration=80, loop=0)
    return path


def write_frames(folder: Path, frames: Sequence[Image.Image]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        frame.save(folder / f"frame-{number}.jpg", quality=92)
    return folder


def write_video(path: Path, frames: Sequence[Image.Image], *, codec: str = "mpeg4", quality: int = 4) -> Path:
    """Write a video with PyAV. quality: of mpeg4, from 2, the best."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=12)
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.qmin = stream.codec_context.qmax = quality
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode())
    return path
