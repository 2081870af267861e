"""An archive is recognised by its content, and a tar is decompressed within limits of memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zlib

import pytest

from autotl.data.archives.kinds import archive_kind, decompressed


def tar_bytes():
    """A tar of one small file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("1.png")
        info.size = 5000
        archive.addfile(info, io.BytesIO(bytes(range(250)) * 20))
    return file.getvalue()


TAR = tar_bytes()
OTHER_FILES = {
    "nothing": b"",
    "two letters of a zip": b"PK",
    "the beginning of an image": b"\x89PNG\r\n",
    "zeros": bytes(10240),
    "text": b"x" * 1024,
    "a compressed table": gzip.compress(b"a,b\n" * 999),
}
PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "tar": bytes}


@pytest.mark.parametrize("kind", PACKERS)
def test_a_tar_is_recognised_in_any_compression_and_decompressed(kind):
    file = io.BytesIO(PACKERS[kind](TAR))
    assert archive_kind(file) == kind
    assert b"".join(decompressed(file, kind)) == TAR


@pytest.mark.parametrize("data", OTHER_FILES.values(), ids=OTHER_FILES)
def test_other_files_are_not_archives(data):
    assert archive_kind(io.BytesIO(data)) is None


def test_a_damaged_compressed_file_counts_as_an_archive_so_that_its_damage_is_reported():
    assert archive_kind(io.BytesIO(gzip.compress(TAR)[:20])) == "gz"


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_several_compressed_streams_are_read_to_the_end(kind):
    pack = PACKERS[kind]
    data = pack(TAR[:700]) + pack(TAR[700:5000]) + pack(TAR[5000:])
    assert b"".join(decompressed(io.BytesIO(data), kind)) == TAR


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_zeros_are_decompressed_in_chunks(kind):
    chunks = [len(chunk) for chunk in decompressed(io.BytesIO(PACKERS[kind](bytes(5 * 2**20))), kind)]
    assert sum(chunks) == 5 * 2**20
    assert max(chunks) <= 2**20


def test_an_xz_that_asks_for_gigabytes_of_memory_is_refused():
    data = bytearray(lzma.compress(TAR, lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2}]))
    # The first block's header: its length in words of four bytes, flags, filter, length of what follows, the
    # dictionary's size as an exponent, padding, CRC-32.
    end = 12 + (data[12] + 1) * 4
    data[16] = 38  # 2 GiB
    struct.pack_into("<I", data, end - 4, zlib.crc32(data[12 : end - 4]))
    with pytest.raises(lzma.LZMAError, match="Memory usage limit exceeded"):
        list(decompressed(io.BytesIO(data), "xz"))


def test_an_xz_that_is_cut_short_is_damaged():
    with pytest.raises(EOFError):
        list(decompressed(io.BytesIO(lzma.compress(TAR)[:-30]), "xz"))
