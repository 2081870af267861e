"""A folder as a zip that is made while it is sent: neither memory nor disk has to hold it."""

from __future__ import annotations

import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

CHUNK_BYTES = 1 << 20
MAX_BYTES = (1 << 32) - (1 << 20)
"""What a zip without 64-bit sizes can hold, which every program can open."""
_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_END = struct.Struct("<4s4H2LH")
_UTF8_NAMES = 0x800
_REGULAR_FILE = 0o100644 << 16


@dataclass(frozen=True)
class FolderZip:
    """What a zip is going to hold. size: of the whole zip, in bytes."""

    files: tuple[tuple[Path, zipfile.ZipInfo], ...]
    size: int

    def __iter__(self) -> Iterator[bytes]:
        """The zip, piece by piece; raises OSError where a file has changed or gone meanwhile."""
        offset, central = 0, []
        for path, info in self.files:
            _measure(path, info)
            header = info.FileHeader(zip64=False)
            yield header
            yield from _chunks(path, info)
            central.append(_central(info, offset))
            offset += len(header) + info.file_size
        directory = b"".join(central)
        yield directory
        yield _END.pack(b"PK\5\6", 0, 0, len(central), len(central), len(directory), offset, 0)


def zip_folder(folder: Path, name: str) -> FolderZip:
    """A folder's files in one top-level folder called `name`; links are left out, for they may lead anywhere.

    Nothing is packed: weights do not shrink. Raises OSError where the folder cannot be read, ValueError where it is too
    large for a zip that every program can open.
    """
    files = tuple(
        (path, _info(path, f"{name}/{PurePosixPath(path.relative_to(folder))}"))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(folder.resolve())
    )
    size = _END.size
    for _, info in files:
        size += info.file_size + 30 + _CENTRAL.size + 2 * len(info.filename.encode())
    if size > MAX_BYTES or len(files) > 60_000:
        raise ValueError(f"{folder} is too large for a zip ({size / 1e9:.1f} GB)")
    return FolderZip(files, size)


def _info(path: Path, name: str) -> zipfile.ZipInfo:
    status = path.stat()
    info = zipfile.ZipInfo(name, max(time.localtime(status.st_mtime)[:6], (1980, 1, 1, 0, 0, 0)))
    info.file_size = info.compress_size = status.st_size
    info.flag_bits = _UTF8_NAMES
    return info


def _measure(path: Path, info: zipfile.ZipInfo) -> None:
    """Find the checksum first, so that it stands before the data, where the simplest programs expect it."""
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    info.CRC = checksum


def _chunks(path: Path, info: zipfile.ZipInfo) -> Iterator[bytes]:
    sent = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sent += len(chunk)
            if sent > info.file_size:
                break
            yield chunk
    if sent != info.file_size:
        raise OSError(f"{path} has changed while it was being sent")


def _central(info: zipfile.ZipInfo, offset: int) -> bytes:
    year, month, day, hour, minute, second = info.date_time
    name = info.filename.encode()
    return (
        _CENTRAL.pack(
            b"PK\1\2", 20, 3, 20, 0, info.flag_bits, 0,
            hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day,
            info.CRC, info.compress_size, info.file_size, len(name), 0, 0, 0, 0, _REGULAR_FILE, offset,
        )
        + name
    )  # fmt: skip
