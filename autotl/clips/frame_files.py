"""Folders of frames, and the file that holds the frames of one: a zip of images in order.

An exported model carries a copy of this file, so it imports the standard library, numpy and Pillow, nothing more.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from autotl.clips.clip_source import ClipHeader, OpenClip, UnreadableClip, frame_positions, require_size
from autotl.images.decoder import ImageSource, UnreadableImage, open_image

FRAMES_MAGIC = b"PK\x03\x04"
"""How such a file begins."""
_FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".avif")
_MOST_FRAME_BYTES = 1 << 28


def in_frame_order(names: Iterable[str]) -> list[str]:
    """Names of frames in their order: numbers in them count as numbers, so that frame-2 comes before frame-10."""

    def key(name: str) -> list[tuple[int, int, str]]:
        parts = re.split(r"(\d+)", name.lower())
        return [(1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts]

    return sorted(names, key=lambda name: (key(name), name))


def frames_in(folder: Path) -> list[Path]:
    """The images directly in a folder, in the order of their names; UnreadableClip if there is none."""
    try:
        names = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise UnreadableClip(f"the folder cannot be read: {error.strerror or error}") from None
    frames = [folder / name for name in in_frame_order(names) if name.lower().endswith(_FRAME_SUFFIXES)]
    if not frames:
        raise UnreadableClip("the folder holds no images")
    return frames


def frames_file(frames: Sequence[Path]) -> bytes:
    """A file with those frames of a folder that are read; raises OSError if one cannot be."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        file.comment = str(len(frames)).encode()
        for place, position in enumerate(frame_positions(len(frames))):
            # With a fixed date the same frames make the same file.
            file.writestr(
                zipfile.ZipInfo(f"{place:03d}{frames[position].suffix.lower()}"), frames[position].read_bytes()
            )
    return buffer.getvalue()


@contextmanager
def open_frames(source: Path | bytes, at_least: tuple[int, int] | None) -> Iterator[OpenClip]:
    """Open a folder of frames, or the bytes of a file of frames; at_least: see `images.decoder.open_image`.

    Raises UnreadableClip, also while the frames are read.
    """
    images, n_frames = _of_file(source) if isinstance(source, bytes) else _of_folder(source)
    decoded = (_frame(image, place, at_least) for place, image in enumerate(images))
    first = next(decoded)
    require_size(*first.size)

    def frames() -> Iterator[Image.Image]:
        yield first
        yield from decoded

    yield OpenClip(ClipHeader("frames", *first.size, n_frames, 0.0), frames())


def _of_folder(folder: Path) -> tuple[list[ImageSource], int]:
    files = frames_in(folder)
    return [files[position] for position in frame_positions(len(files))], len(files)


def _of_file(data: bytes) -> tuple[list[ImageSource], int]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = [one for one in file.infolist() if not one.is_dir()]
            if not members:
                raise UnreadableClip("it holds no frames")
            # Stored as they are, they cannot unfold to more than the file.
            if any(one.compress_type != zipfile.ZIP_STORED or one.file_size > _MOST_FRAME_BYTES for one in members):
                raise UnreadableClip("it is not a file of frames that AutoTL has written")
            n_frames = int(file.comment) if file.comment.isdigit() and len(file.comment) < 10 else len(members)
            return [file.read(members[position]) for position in frame_positions(len(members))], n_frames
    except UnreadableClip:
        raise
    except Exception as error:  # zipfile raises almost anything on damaged files
        raise UnreadableClip(f"it is a damaged file of frames ({error})") from None


def _frame(image: ImageSource, place: int, at_least: tuple[int, int] | None) -> Image.Image:
    try:
        return open_image(image, at_least=at_least)
    except UnreadableImage as error:
        what = image.name if isinstance(image, Path) else f"number {place + 1} of those read"
        raise UnreadableClip(f"its frame {what} cannot be read: {error}") from None
