"""Which kind of archive a file is, and the decompressed bytes of a tar."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Iterator
from functools import partial
from typing import IO

from autotl.data.archives.member import CHUNK

_XZ_MEMORY = 256 * 2**20
"""`xz -9` needs 65 MiB to unpack; the format lets an archive ask for 4 GiB."""
_MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # without members
    b"\x1f\x8b\x08": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
}


def archive_kind(file: IO[bytes]) -> str | None:
    """One of zip, tar, gz, bz2 and xz (the last three: a compressed tar); None for anything else."""
    start = file.read(6)
    file.seek(0)
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "tar")
    if kind == "zip":
        return kind
    try:
        first = next(decompressed(file, kind), b"")
        tarfile.TarInfo.frombuf(first[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return None
    except Exception:  # compressed, but damaged: reading it gives the message for damage
        return kind
    finally:
        file.seek(0)
    return kind


def decompressed(file: IO[bytes], kind: str) -> Iterator[bytes]:
    """The decompressed bytes of a tar, in chunks of at most 1 MiB."""
    if kind == "xz":
        return _unxz(file)
    if kind == "gz":
        return iter(partial(gzip.GzipFile(fileobj=file).read, CHUNK), b"")
    if kind == "bz2":
        return iter(partial(bz2.BZ2File(file).read, CHUNK), b"")
    return iter(partial(file.read, CHUNK), b"")


def _unxz(file: IO[bytes]) -> Iterator[bytes]:
    """Like lzma.LZMAFile, which has no limit on memory."""
    data = file.read(CHUNK)
    while data:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        while not decompressor.eof:
            if decompressor.needs_input and not data and not (data := file.read(CHUNK)):
                raise EOFError("the compressed data ends too early")
            if chunk := decompressor.decompress(data, CHUNK):
                yield chunk
            data = b""
        data = (decompressor.unused_data or file.read(CHUNK)).lstrip(b"\0")
