"""Zips that lie, hide something or come from another system are read correctly or refused."""

from __future__ import annotations

import stat
import struct
import warnings
import zipfile

import pytest

from autotl.data.archives.member import RefusedError, parsing
from autotl.data.archives.zip_members import zip_members


def zip_info(name, mode=stat.S_IFREG, method=zipfile.ZIP_DEFLATED, comment=b""):
    """An entry whose name is taken as it is, NUL and backslash included."""
    info = zipfile.ZipInfo("x")
    info.filename, info.compress_type, info.comment = name, method, comment
    info.external_attr = (mode | 0o777) << 16
    return info


@pytest.fixture
def packed(tmp_path):
    """Pack a zip: packed((name or ZipInfo, bytes), ...)."""

    def packed(*members):
        with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            warnings.simplefilter("ignore", UserWarning)  # "Duplicate name"
            for info, data in members:
                archive.writestr(info if isinstance(info, zipfile.ZipInfo) else zip_info(info), data)
        return tmp_path / "a.zip"

    return packed


def contents(path, most_entries=100):
    """What is in a zip: {name: bytes, or None for a folder}."""
    with path.open("rb") as file, parsing():
        members = list(zip_members(file, most_entries=most_entries))
        return {member.name: None if member.folder else member.open().read() for member in members}


def patched(path, signature, offset, layout, value):
    """Overwrite one field of the last header with this signature."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, data.rindex(signature) + offset, value)
    path.write_bytes(data)
    return path


def test_members_are_in_the_order_of_their_bytes_with_their_sizes(packed):
    path = packed(("b.png", b"x" * 999), ("a.png", b""))
    with path.open("rb") as file:
        members = list(zip_members(file, most_entries=2))
    assert [(member.name, member.size, member.folder) for member in members] == [
        ("b.png", 999, False),
        ("a.png", 0, False),
    ]
    assert members[0].packed < 99


@pytest.mark.parametrize(
    ("raw", "name"),
    [("Größe.png".encode(), "Größe.png"), (b"gr\x81n.png", "grün.png"), (b"\xff\xfe\x80.png", "\xa0■Ç.png")],
    ids=["UTF-8 that is not declared", "the code page of DOS", "neither"],
)
def test_names_in_another_encoding_are_read_as_well_as_possible(packed, raw, name):
    path = packed(("X" * len(raw), b"one"))
    path.write_bytes(path.read_bytes().replace(b"X" * len(raw), raw))
    assert contents(path) == {name: b"one"}


def test_backslashes_separate_folders(packed):
    path = packed(("cat\\", b""), ("cat\\deep\\1.png", b"one"), (zip_info("dog", stat.S_IFDIR), b""))
    assert contents(path) == {"cat/": None, "cat/deep/1.png": b"one", "dog": None}


def test_a_nul_in_a_name_is_kept_to_be_seen(packed):
    assert list(contents(packed(("cat.png\0.exe", b"evil")))) == ["cat.png\0.exe"]


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (stat.S_IFLNK, "a symbolic link"),
        (stat.S_IFCHR, "a device"),
        (stat.S_IFBLK, "a device"),
        (stat.S_IFIFO, "a pipe"),
        (stat.S_IFSOCK, "a socket"),
        (0o030000, "of an unknown type"),
    ],
)
def test_a_special_file_is_refused(packed, mode, words):
    with pytest.raises(RefusedError, match=f"is {words}, not a file") as error:
        contents(packed(("ok.png", b""), (zip_info("thing", mode), b"/etc/passwd")))
    assert error.value.member == "thing"


@pytest.mark.parametrize("n_entries", [50, 20])
def test_too_many_entries_are_refused_before_they_are_listed(packed, monkeypatch, n_entries):
    path = packed(*((f"{i}.png", b"") for i in range(50)))
    monkeypatch.setattr(zipfile, "ZipInfo", None)
    with pytest.raises(RefusedError, match="the limit `entries`, which is 49"):
        contents(patched(path, b"PK\x05\x06", 10, "<H", n_entries), most_entries=49)


def test_an_overlong_table_of_contents_is_refused(packed):
    path = packed(*((zip_info(f"{i}.png", comment=b"x" * 65535), b"") for i in range(20)))
    with pytest.raises(RefusedError, match=r"table of contents of 1,.* 1,048,576 are allowed"):
        contents(path)


def test_an_encrypted_member_is_refused(packed):
    with pytest.raises(RefusedError, match=r"is encrypted.*without a password"):
        contents(patched(packed(("secret.png", b"x")), b"PK\x01\x02", 8, "<H", 1))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_compression_is_refused(packed, method):
    with pytest.raises(RefusedError, match=rf"method {method}; only stored \(0\) and deflated \(8\)"):
        contents(packed((zip_info("a.png", method=method), b"x")))


def test_members_that_share_bytes_are_refused(packed):
    path = packed(*((name, name.encode() * 33) for name in "abc"))
    with pytest.raises(RefusedError, match="shares its bytes with another member"):
        contents(patched(path, b"PK\x01\x02", 42, "<I", 0))


def test_a_quoted_header_within_another_members_bytes_is_refused(packed):
    inner = packed(("b.png", b"x" * 99)).read_bytes()
    path = packed((zip_info("a.bin", method=zipfile.ZIP_STORED), inner), ("b.png", b"x" * 99))
    with pytest.raises(RefusedError, match="shares its bytes"):
        contents(patched(path, b"PK\x01\x02", 42, "<I", path.read_bytes().index(b"PK", 2)))


@pytest.mark.parametrize(
    ("signature", "offset", "layout", "value"),
    [
        (b"PK\x01\x02", 16, "<I", 1),
        (b"PK\x01\x02", 20, "<I", 5),
        (b"PK\x01\x02", 24, "<I", 5),
        (b"PK\x01\x02", 24, "<I", 4000),
        (b"PK\x01\x02", 42, "<I", 2**31),
        (b"PK\x01\x02", 10, "<H", 0),
        (b"PK\x03\x04", 14, "<I", 1),
        (b"PK\x03\x04", 22, "<I", 5),
        (b"PK\x03\x04", 8, "<H", 0),
        (b"PK\x03\x04", 26, "<H", 9999),
        (b"PK\x03\x04", 30, "<c", b"X"),
        (b"PK\x03\x04", 50, "<I", 7),
        (b"PK\x05\x06", 12, "<I", 2**31),
    ],
    ids=[
        "crc", "packed size", "smaller size", "larger size", "offset", "method", "local crc", "local size",
        "local method", "local name length", "local name", "content", "table size",
    ],
)  # fmt: skip
def test_a_zip_that_lies_or_is_damaged_is_refused(packed, signature, offset, layout, value):
    path = packed(("a.png", bytes(range(250)) * 4))
    assert len(contents(path)["a.png"]) == 1000
    with pytest.raises(RefusedError, match="Fetch or pack the archive again"):
        contents(patched(path, signature, offset, layout, value))
