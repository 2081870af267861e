"""The members of a zip, each checked against its own header before any is read."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import IO, cast

from autotl.data.archives.member import FETCH_AGAIN, PACK_AGAIN, Member, RefusedError, naming, parsing

_DIRECTORY_BYTES_PER_ENTRY = 512
_DIRECTORY_BYTES_AT_LEAST = 2**20
_TYPES = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UTF8_NAME = 0x800
_SIZES_FOLLOW = 0x8
_IN_ZIP64 = 0xFFFFFFFF
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def zip_members(file: IO[bytes], *, most_entries: int) -> Iterator[Member]:
    """Yield the members in the order of their bytes; raises RefusedError for lies, links and special files."""
    listed = _LimitedListing(file, most_entries)
    with parsing():
        archive = zipfile.ZipFile(cast(IO[bytes], listed))
        listed.listing = False
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    free_from = 0
    for info in infos:
        name = _name(info)
        with naming(name):
            folder = _require_plain(info, name)
            with parsing():
                if info.header_offset < free_from:
                    raise RefusedError(f"shares its bytes with another member. {FETCH_AGAIN}")
                free_from = _end_of(file, info)
                if free_from > archive.start_dir:
                    raise RefusedError(f"extends into the table of contents. {FETCH_AGAIN}")
        yield Member(name, info.file_size, folder, info.compress_size, partial(archive.open, info))


class _LimitedListing:
    """A zip file object that refuses a table of contents with too many entries.

    zipfile reads the whole table and creates an object for each entry before they can be counted.
    """

    def __init__(self, file: IO[bytes], most_entries: int) -> None:
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self.listing = True
        self._file = file
        self._most_entries = most_entries
        self._most_bytes = max(_DIRECTORY_BYTES_AT_LEAST, most_entries * _DIRECTORY_BYTES_PER_ENTRY)

    def read(self, size: int = -1) -> bytes:
        listed = self.listing and size > 0
        if listed and size > self._most_bytes:
            raise RefusedError(
                f"has a table of contents of {size:,} bytes; {self._most_bytes:,} are allowed. {FETCH_AGAIN}"
            )
        data = self._file.read(size)
        if listed and data.count(b"PK\x01\x02") > self._most_entries:
            raise RefusedError(f"has more members than the limit `entries`, which is {self._most_entries:,}.")
        return data


def _name(info: zipfile.ZipInfo) -> str:
    # zipfile silently cuts `filename` at a NUL.
    name = info.orig_filename if "\0" in info.orig_filename else info.filename
    if not info.flag_bits & _UTF8_NAME:
        # macOS writes UTF-8 without declaring it; anything else is in cp437, the format's default.
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return name.replace("\\", "/")


def _require_plain(info: zipfile.ZipInfo, name: str) -> bool:
    """Raise RefusedError unless a member is a folder (True) or a file that can be read (False)."""
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise RefusedError(f"is {_TYPES.get(mode, 'of an unknown type')}, not a file or a folder. {PACK_AGAIN}")
    if info.flag_bits & _ENCRYPTED:
        raise RefusedError("is encrypted. Pack the archive again without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile decompresses bzip2 and LZMA without a limit on memory.
        raise RefusedError(
            f"is compressed with method {info.compress_type}; only stored (0) and deflated (8) are supported. Pack the "
            "archive again with the default method."
        )
    return name.endswith("/") or mode == stat.S_IFDIR


def _end_of(file: IO[bytes], info: zipfile.ZipInfo) -> int:
    """Where a member ends by its own header; raises RefusedError if that contradicts the table of contents."""
    file.seek(info.header_offset)
    fields = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    signature, _, flags, method, _, _, *sizes, name_bytes, extra_bytes = fields
    listed = (info.CRC, info.compress_size, info.file_size)
    same = flags & _SIZES_FOLLOW or all(a in (b, _IN_ZIP64) for a, b in zip(sizes, listed, strict=True))
    if signature != b"PK\x03\x04" or method != info.compress_type or not same:
        raise RefusedError(f"has a header that contradicts the table of contents. {FETCH_AGAIN}")
    return info.header_offset + _LOCAL_HEADER.size + int(name_bytes) + int(extra_bytes) + info.compress_size
