"""A folder as a zip that is made while it is sent: neither memory nor disk has to hold it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from stream_zip import NO_COMPRESSION_32, MemberFile, ZipIntegrityError, stream_zip

CHUNK_BYTES = 1 << 20
MAX_BYTES = (1 << 32) - (1 << 20)
"""The largest zip without 64-bit sizes, which every program can open."""
MAX_FILES = 60_000
_LOCAL_HEADER_BYTES, _CENTRAL_HEADER_BYTES, _END_BYTES = 30, 46, 22
_REGULAR_FILE = 0o100644
_EARLIEST = datetime(1980, 1, 1)


@dataclass(frozen=True)
class ZippedFile:
    """A file of a zip. name: in the zip; size: in bytes; modified: in local time."""

    path: Path
    name: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class FolderZip:
    """A zip that has not been made yet. size: of the whole zip, in bytes."""

    files: tuple[ZippedFile, ...]
    size: int

    def __iter__(self) -> Iterator[bytes]:
        """The zip, piece by piece; raises OSError if a file has changed or gone since."""
        try:
            yield from stream_zip(map(_member, self.files), chunk_size=CHUNK_BYTES, extended_timestamps=False)
        except ZipIntegrityError:
            raise OSError("a file of the folder has changed while it was being sent") from None


def zip_folder(folder: Path, name: str) -> FolderZip:
    """A zip of a folder's files in one top-level folder called `name`; links are left out, as they may lead anywhere.

    The files are stored as they are, because weights do not compress. Raises OSError if the folder cannot be read,
    and ValueError if it is too large for a zip that every program can open.
    """
    files = tuple(
        _file(path, f"{name}/{PurePosixPath(path.relative_to(folder))}")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(folder.resolve())
    )
    # The length of each part is known beforehand: a browser shows how long the download takes.
    headers = _LOCAL_HEADER_BYTES + _CENTRAL_HEADER_BYTES
    size = _END_BYTES + sum(file.size + headers + 2 * len(file.name.encode()) for file in files)
    if size > MAX_BYTES or len(files) > MAX_FILES:
        raise ValueError(f"{folder} is too large for a zip ({size / 1e9:.1f} GB)")
    return FolderZip(files, size)


def _file(path: Path, name: str) -> ZippedFile:
    status = path.stat()
    return ZippedFile(path, name, status.st_size, max(datetime.fromtimestamp(status.st_mtime), _EARLIEST))


def _member(file: ZippedFile) -> MemberFile:
    # Size and checksum stand before the data, where the simplest programs expect them, hence the file is read twice.
    checksum = 0
    for chunk in _chunks(file.path):
        checksum = zlib.crc32(chunk, checksum)
    return file.name, file.modified, _REGULAR_FILE, NO_COMPRESSION_32(file.size, checksum), _chunks(file.path)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
