"""The frames of a video, decoded by PyAV.

An exported model carries a copy of this file, so it imports the standard library, numpy and Pillow, and PyAV only when
a video is read.
"""

from __future__ import annotations

import bisect
import importlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

from PIL import Image

from autotl.clips.clip_source import ClipHeader, ClipSource, OpenClip, UnreadableClip, frame_positions, require_size

NO_PYAV = 'it is a video; to read it, install autotl[clips] (pip install "autotl[clips]")'
_CONTAINERS = "mov,matroska,avi,mpeg,mpegts,asf,ogg,flv,m4v,mpegvideo"
"""What may be opened: not playlists, which name other files and addresses."""
_MOST_PACKETS = 2_000_000
_WORTH_SEEKING = 64
"""A keyframe that lies so many frames ahead is jumped to; fewer are decoded on the way."""


class _Timeline(NamedTuple):
    """The frames of a video without their pixels, in the order in which they are shown.

    times: of all frames, in units of the stream; keys: of those that can be jumped to. Empty if they are not known.
    """

    n_frames: int
    times: list[int]
    keys: list[int]


@contextmanager
def open_video(source: ClipSource) -> Iterator[OpenClip]:
    """Open a video; its frames are decoded one after the other, and turned upright. Raises UnreadableClip."""
    av = _pyav()
    try:
        with _opened(source) as file:
            with _container(av, file) as container:
                timeline = _timeline(container)
            file.seek(0)
            with _container(av, file) as container:
                stream = container.streams.video[0]
                frames = _frames(container, stream, timeline)
                first = next(frames)

                def rest() -> Iterator[Image.Image]:
                    yield first
                    try:
                        yield from frames
                    except av.FFmpegError as error:
                        raise _damaged(error) from None

                rate = float(stream.average_rate or 0)
                seconds = timeline.n_frames / rate if rate else 0.0
                name = container.format.name.split(",")[0]
                yield OpenClip(ClipHeader(_FORMATS.get(name, name), *first.size, timeline.n_frames, seconds), rest())
    except UnreadableClip:
        raise
    except (av.FFmpegError, OSError, ValueError, StopIteration, LookupError, RuntimeError, OverflowError) as error:
        raise _damaged(error) from None
    except MemoryError as error:
        raise UnreadableClip("it needs more memory than is available") from error


_FORMATS = {
    "mov": "MP4",
    "matroska": "MKV",
    "avi": "AVI",
    "mpeg": "MPEG",
    "mpegts": "MPEG-TS",
    "asf": "WMV",
    "ogg": "OGG",
}


def _pyav() -> Any:
    try:
        av = importlib.import_module("av")
    except ImportError:
        raise UnreadableClip(NO_PYAV) from None
    av.logging.set_level(None)  # what is wrong with a file is said by the exception
    return av


def _opened(source: ClipSource) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")  # noqa: PTH123, a str may come


def _container(av: Any, file: BinaryIO) -> Any:
    # Given the file and not its path, FFmpeg opens nothing else.
    return av.open(file, options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"})


def _timeline(container: Any) -> _Timeline:
    if not container.streams.video:
        raise UnreadableClip("it holds no video")
    stream = container.streams.video[0]
    require_size(stream.codec_context.width, stream.codec_context.height)
    times: list[int | None] = []
    keys: list[int] = []
    for packet in container.demux(stream):
        if not packet.size:  # the last one, which makes a decoder return the frames that it holds back
            continue
        times.append(packet.pts)
        if packet.is_keyframe and packet.pts is not None:
            keys.append(packet.pts)
        if len(times) > _MOST_PACKETS:
            raise UnreadableClip(f"it has more than {_MOST_PACKETS:,} frames")
    if not times:
        raise UnreadableClip("it has no frames")
    if stream.frames > len(times):
        raise UnreadableClip(f"it is cut short: {len(times):,} of {stream.frames:,} frames are there")
    known = sorted(time for time in times if time is not None)
    if len(known) < len(times) or len(set(known)) < len(known):
        return _Timeline(len(times), [], [])
    return _Timeline(len(times), known, sorted(keys))


def _frames(container: Any, stream: Any, timeline: _Timeline) -> Iterator[Image.Image]:
    """The frames at the positions to read, each as an image; one that is wanted twice is decoded once."""
    # Several threads might decode a damaged video in another way each time.
    stream.thread_type = "NONE"
    decoded = container.decode(stream)
    place, image = -1, None
    for position in frame_positions(timeline.n_frames):
        if jump := _keyframe_ahead(timeline, place, position):
            container.seek(jump[1], stream=stream, backward=True, any_frame=False)
            decoded, place = container.decode(stream), jump[0] - 1
        frame = None
        while place < position:
            following = next(decoded, None)
            if following is None:
                break
            frame, place = following, place + 1
            if timeline.times and frame.pts is not None:
                place = bisect.bisect_right(timeline.times, frame.pts) - 1
        if frame is not None:
            image = _upright(frame)
        if image is None:
            raise UnreadableClip("none of its frames can be decoded")
        yield image


def _keyframe_ahead(timeline: _Timeline, place: int, position: int) -> tuple[int, int] | None:
    """The position and the time of the last keyframe before a frame, if it is worth jumping to."""
    if not timeline.keys or position - place <= _WORTH_SEEKING:
        return None
    number = bisect.bisect_right(timeline.keys, timeline.times[position]) - 1
    if number < 0:
        return None
    at = bisect.bisect_left(timeline.times, timeline.keys[number])
    return (at, timeline.keys[number]) if at - place > _WORTH_SEEKING else None


def _upright(frame: Any) -> Image.Image:
    require_size(frame.width, frame.height)
    if getattr(frame, "is_corrupt", False):
        raise UnreadableClip("one of its frames is damaged")
    image: Image.Image = frame.to_image()
    turned = round(getattr(frame, "rotation", 0) or 0) % 360
    return image.rotate(turned, expand=True) if turned else image


def _damaged(error: BaseException) -> UnreadableClip:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return UnreadableClip(f"it is damaged, cut short or of an unsupported kind ({reason})")
