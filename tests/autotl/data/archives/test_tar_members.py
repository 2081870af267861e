"""Tars that lie, hide something or come from another system are read correctly or refused, in little memory."""

from __future__ import annotations

import io
import os
import tarfile
import time

import pytest

from autotl.data.archives.member import RefusedError, parsing
from autotl.data.archives.tar_members import tar_members

END = bytes(1024)


def tar_info(name, size=0, kind=tarfile.REGTYPE, **pax):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.pax_headers = kind, size, pax
    info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    return info


def packed(*members, **options):
    """The bytes of a tar of (name or TarInfo, bytes)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", encoding="utf-8", errors="surrogateescape", **options) as archive:
        for info, data in members:
            archive.addfile(info if isinstance(info, tarfile.TarInfo) else tar_info(info, len(data)), io.BytesIO(data))
    return file.getvalue()


def header(name, size, kind=b"0", holes=(), whole=0):
    """A header block whose size is written as it is given; holes: (offset, length) of the parts of a sparse file."""
    block = bytearray(tar_info(name, kind=kind).tobuf(tarfile.GNU_FORMAT))
    block[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    if kind == b"S":
        for i, part in enumerate(holes):
            block[386 + 24 * i : 410 + 24 * i] = b"%011o\0%011o\0" % part
        block[483:495] = b"%011o\0" % whole
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def contents(data):
    """What is in a tar, whose bytes come in small pieces: {name: bytes, or None for a folder}."""
    pieces = (data[start : start + 100] for start in range(0, len(data), 100))
    with parsing():
        return {member.name: None if member.folder else member.open().read() for member in tar_members(pieces)}


def is_refused(data, *patterns):
    with pytest.raises(RefusedError) as error:
        contents(data)
    for pattern in patterns:
        assert pattern in str(error.value)


def test_members_are_read_and_may_be_skipped():
    data = packed(("cat/1.png", b"one" * 999), (tar_info("dog", kind=tarfile.DIRTYPE), b""), ("dog/2.png", b""))
    assert contents(data) == {"cat/1.png": b"one" * 999, "dog": None, "dog/2.png": b""}
    assert [member.size for member in tar_members(iter([data]))] == [2997, 0, 0]


def test_names_that_are_not_utf8_become_text():
    data = packed((os.fsdecode(b"gr\xfcn.png"), b"one"), format=tarfile.GNU_FORMAT)
    assert contents(data) == {"grün.png": b"one"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a pipe"),
        (b"V", "of the unknown type b'V'"),
    ],
)
def test_a_special_file_is_refused(kind, words):
    is_refused(packed(("ok.png", b""), (tar_info("thing", kind=kind), b"")), f"is {words}, not a file or a folder")


def test_a_tar_that_is_cut_between_two_members_is_refused():
    is_refused(packed(("1.png", b"x" * 512), ("2.png", b"y" * 512))[:1024], "damaged or cut short")


def test_a_damaged_header_is_not_mistaken_for_the_end():
    data = bytearray(packed(("1.png", b"x" * 512), ("2.png", b"y" * 512)))
    data[1024] ^= 1
    is_refused(bytes(data), "damaged or cut short")


def test_a_second_tar_after_the_first_is_not_lost_silently():
    is_refused(packed(("1.png", b"x")) * 2, "has more data after its end")


@pytest.mark.parametrize("kind", [b"0", b"L", b"x", b"S"])
def test_a_negative_size_is_refused_and_does_not_loop(kind):
    is_refused(header("1.png", b"\xff" * 10 + b"\xfc\x00", kind) + bytes(10240))


def test_a_member_that_declares_more_than_there_is_is_refused():
    is_refused(header("1.png", 5000) + b"x" * 2048, "unexpected end of data")


@pytest.mark.parametrize("kind", [b"L", b"K", b"x"])
def test_an_overlong_header_is_refused_before_it_is_read_into_memory(kind):
    is_refused(header("1.png", 2**32, kind) + bytes(10240), "has a header that asks for 4,29")


def test_headers_nested_without_end_are_refused():
    is_refused((header("n", 5, b"L") + b"name\0".ljust(512, b"\0")) * 900 + END, "damaged")


@pytest.mark.parametrize(
    "record",
    [b"1" * 400_000, b"2 " * 200_000 + b"=", b"20 path=" + b"9" * 400_000, b"0 a=b\n", b"9 path=x\n" + b"7 a=b\n"],
)
def test_crafted_extended_headers_are_refused_at_once(record):
    body = record + bytes(-len(record) % 512)
    began = time.perf_counter()
    is_refused(header("pax", len(record), b"x") + body + header("1.png", 0) + END, "header")
    assert time.perf_counter() - began < 5


def test_global_headers_cannot_pile_up():
    data = b""
    for i in range(3):
        body = b"30007 k%04d=%s\n" % (i, b"v" * (30007 - 13))
        data += header("g", len(body), b"g") + body + bytes(-len(body) % 512) + header(f"{i}.png", 0)
    is_refused(data + END, "global headers")


def test_a_sparse_file_comes_out_with_its_holes_filled():
    stored = b"head".ljust(512, b"\0") + b"tail".ljust(512, b"\0")
    data = header("1.png", 1024, b"S", [(0, 512), (1536, 512)], 2048) + stored + END
    assert contents(data) == {"1.png": stored[:512] + bytes(1024) + stored[512:]}


def test_a_sparse_file_of_holes_declares_what_would_come_out():
    assert next(tar_members(iter([header("1.png", 0, b"S", whole=2**30) + END]))).size == 2**30
