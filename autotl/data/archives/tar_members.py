"""The members of a tar, read as a stream; headers are limited in memory and time."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Any, cast

from autotl.data.archives.member import CHUNK, FETCH_AGAIN, PACK_AGAIN, Member, RefusedError, naming, parsing

_HEADER_BYTES = 2**20
"""The longest header of a member, including its name, attributes and sparse map."""
_GLOBAL_HEADER_BYTES = 64 * 1024
_MOST_DIGITS = 200
_TYPES = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


def tar_members(chunks: Iterator[bytes]) -> Iterator[Member]:
    """Yield the members in order; each must be read before the next. Raises RefusedError for special files."""
    reader = _ForwardReader(chunks)
    with parsing():
        archive = tarfile.TarFile(
            fileobj=cast(IO[bytes], reader), tarinfo=_Header, encoding="utf-8", errors="surrogateescape"
        )
    while True:
        reader.allowance = _HEADER_BYTES
        with parsing():
            info = archive.next()
        reader.allowance = None
        if info is None:
            break
        cast(Any, archive).members.clear()  # otherwise it keeps every header
        name = _name(info)
        if not info.isreg() and not info.isdir():
            kind = _TYPES.get(info.type, f"of the unknown type {info.type!r}")
            with naming(name):
                raise RefusedError(f"is {kind}, not a file or a folder. {PACK_AGAIN}")
        yield Member(name, info.size, info.isdir(), None, partial(_open, archive, info))
    _require_end(reader)


def _open(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    return cast(IO[bytes], archive.extractfile(info))  # None for links and devices only


def _name(info: tarfile.TarInfo) -> str:
    try:
        info.name.encode()
    except UnicodeEncodeError:
        # Not UTF-8: Latin-1 maps every byte to a character of its own, so that names stay distinct.
        return info.name.encode("utf-8", "surrogateescape").decode("latin-1")
    return info.name


class _ForwardReader:
    """A file object over chunks that can only be read forward; a header may read no more than its allowance."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.allowance: int | None = _HEADER_BYTES
        self.global_allowance = _GLOBAL_HEADER_BYTES
        self.last = b""
        self._chunks = chunks
        self._buffer, self._start, self._position = b"", 0, 0

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer at the end, without reading past them."""
        if size < 0 or (self.allowance is not None and size > self.allowance):
            raise RefusedError(
                f"has a header that asks for {size:,} bytes; {_HEADER_BYTES:,} are allowed. {FETCH_AGAIN}"
            )
        while len(self._buffer) - self._start < size and (chunk := next(self._chunks, b"")):
            self._buffer, self._start = self._buffer[self._start :] + chunk, 0
        return self._buffer[self._start : self._start + size]

    def read(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        self.last = self.peek(size)
        self._start += len(self.last)
        self._position += len(self.last)
        if self.allowance is not None:
            self.allowance -= len(self.last)
        return self.last

    def tell(self) -> int:
        """Bytes read so far."""
        return self._position

    def seek(self, position: int) -> None:
        """Read on to a position, or to the end."""
        if position < self._position:
            raise RefusedError(f"has a header that points back to bytes read before. {FETCH_AGAIN}")
        allowance, self.allowance = self.allowance, None
        while self._position < position and self.read(min(CHUNK, position - self._position)):
            pass
        self.allowance = allowance


class _Header(tarfile.TarInfo):
    """A header whose extended records are checked before tarfile parses them.

    Before Python 3.11.10, tarfile's regular expressions take quadratic time and memory on crafted records.
    """

    def _proc_member(self, tar: Any) -> tarfile.TarInfo:
        if self.type == tarfile.XGLTYPE:
            tar.fileobj.global_allowance -= self.size
            if tar.fileobj.global_allowance < 0:
                raise RefusedError(f"has global headers of more than {_GLOBAL_HEADER_BYTES:,} bytes. {FETCH_AGAIN}")
        if self.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE):
            _require_records(tar.fileobj.peek(self.size))
        return cast(tarfile.TarInfo, super()._proc_member(tar))  # type: ignore[misc]


def _require_records(body: bytes) -> None:
    """Raise RefusedError unless an extended header is a series of `LENGTH KEY=VALUE` lines of the stated lengths."""
    position = 0
    while position < len(body):
        match = re.compile(rb"([0-9]{1,7}) [^=\n\0]+=").match(body, position)
        end = position + int(match[1]) if match else 0
        if match is None or end <= match.end() or body[end - 1 : end] != b"\n":
            raise RefusedError(f"has a damaged extended header. {FETCH_AGAIN}")
        position = end
    # tarfile searches the whole body for numbers that precede some key.
    if max(map(len, re.findall(rb"[0-9]+", body)), default=0) > _MOST_DIGITS:
        raise RefusedError(f"has a number of more than {_MOST_DIGITS} digits in a header. {FETCH_AGAIN}")


def _require_end(reader: _ForwardReader) -> None:
    """Raise RefusedError unless a tar ends in zeros, as each must: tarfile mistakes any damaged header for the end."""
    if reader.last != bytes(tarfile.BLOCKSIZE):
        raise RefusedError(f"is damaged or cut short: a member's header cannot be read. {FETCH_AGAIN}")
    with parsing():
        while rest := reader.read(CHUNK):
            if rest.count(0) < len(rest):
                raise RefusedError("has more data after its end. Pack the folder again, as one archive.")
