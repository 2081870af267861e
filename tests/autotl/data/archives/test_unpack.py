"""Archives that are hostile, damaged or from another system are unpacked completely and safely, or not at all."""

from __future__ import annotations

import io
import os
import random
import shutil
import stat
import tarfile
import tempfile
import warnings
import zipfile
from collections import Counter, namedtuple
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotl.data.archives.unpack import Limits, is_archive, unpack
from autotl.errors import DatasetError

MIB = 2**20
PETS = {"cat/1.png": b"one", "cat/2.png": b"two" * 1000, "dog/deep/3.png": b""}
FORMATS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def zip_info(name, mode=stat.S_IFREG):
    """An entry whose name is taken as it is, NUL and backslash included."""
    info = zipfile.ZipInfo("x")
    info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
    info.external_attr = (mode | 0o6777) << 16
    return info


def tar_info(name, kind=tarfile.REGTYPE, size=0, **pax):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.uid, info.pax_headers = kind, size, 0o6777, 12345, pax
    info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    return info


def write(path, members):
    """A zip or tar, as the first suffix says, of (name or ZipInfo or TarInfo, bytes)."""
    kind, *compression = path.suffixes[0][1:], *(suffix[1:] for suffix in path.suffixes[1:])
    if kind == "zip":
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
            warnings.simplefilter("ignore", UserWarning)  # "Duplicate name", which is what some tests are about
            for info, data in members:
                archive.writestr(zip_info(info) if isinstance(info, str) else info, data)
    else:
        with tarfile.open(path, f"w:{''.join(compression)}", encoding="utf-8", errors="surrogateescape") as archive:
            for info, data in members:
                archive.addfile(tar_info(info, size=len(data)) if isinstance(info, str) else info, io.BytesIO(data))
    return path


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def snapshot(folder):
    """Everything within a folder, links not followed."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def is_refused(archive, *patterns, limits=None):
    """Expect a refusal that says all of this and leaves nothing behind."""
    before = snapshot(archive.parent)
    with pytest.raises(DatasetError) as error:
        unpack(archive, archive.parent / "out", limits=limits or Limits())
    assert snapshot(archive.parent) == before
    for pattern in (str(archive), "Nothing was unpacked", *patterns):
        assert pattern in str(error.value)


both = pytest.mark.parametrize("suffix", ["zip", "tar"])


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_archive_is_unpacked_whatever_its_suffix(tmp_path, suffix):
    path = write(tmp_path / f"pets.{suffix}", PETS.items()).rename(tmp_path / "pets.png")
    assert is_archive(path)
    assert unpack(path, tmp_path / "new" / "out") == {}
    assert contents(tmp_path / "new" / "out") == PETS


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "pets.zip").write_bytes(b"x" * 1024)
    assert not any(is_archive(tmp_path / name) for name in ("pets.zip", ".", "nowhere"))
    with pytest.raises(DatasetError, match="neither a zip nor a tar"):
        unpack(tmp_path / "pets.zip", tmp_path / "out")
    assert listing(tmp_path) == ["pets.zip"]


def test_a_missing_archive_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DatasetError, match=r"lost\.zip cannot be read \(No such file"):
        unpack(tmp_path / "lost.zip", tmp_path / "out")


def test_a_target_that_exists_stays_as_it_is(tmp_path):
    archive = write(tmp_path / "pets.zip", PETS.items())
    (tmp_path / "out").mkdir()
    with pytest.raises(DatasetError, match="already exists"):
        unpack(archive, tmp_path / "out")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="already exists"):
        unpack(archive, tmp_path / "link")
    assert not (tmp_path / "nowhere").exists()


@both
def test_modes_and_owner_do_not_depend_on_the_archive_or_the_umask(tmp_path, suffix):
    archive = write(tmp_path / f"a.{suffix}", [("bin/run", b"#!/bin/sh")])
    mask = os.umask(0o077)
    try:
        unpack(archive, tmp_path / "out")
    finally:
        os.umask(mask)
    folder = tmp_path / "out"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "bin", folder / "bin/run")}
    assert modes == {"out": 0o755, "bin": 0o755, "run": 0o644}
    assert (folder / "bin/run").stat().st_uid == os.getuid()


def test_an_archive_within_an_archive_is_written_and_never_opened(tmp_path):
    inner = write(tmp_path / "inner.zip", [("../../evil", b"evil")] * 5).read_bytes()
    archive = write(tmp_path / "outer.zip", [("cat/inner.zip", inner)])
    unpack(archive, tmp_path / "out", limits=Limits(entries=1))
    assert contents(tmp_path / "out") == {"cat/inner.zip": inner}


@both
def test_side_files_of_other_systems_are_left_out(tmp_path, suffix):
    names = ["__MACOSX/cat/._1.png", "cat/._1.png", "cat/.DS_Store", "cat/Thumbs.db", "dog/desktop.ini"]
    archive = write(tmp_path / f"a.{suffix}", [(name, b"side") for name in names] + [("cat/1.png", b"one")])
    unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == {"cat/1.png": b"one"}


@both
def test_folders_may_occur_twice_be_empty_or_be_missing(tmp_path, suffix):
    if suffix == "zip":
        folders = [(zip_info(name, stat.S_IFDIR), b"") for name in ("./", "a/", "a/", "empty/b/")]
    else:
        folders = [(tar_info(name, tarfile.DIRTYPE), b"") for name in ("./", "a", "a", "empty/b")]
    archive = write(tmp_path / f"a.{suffix}", [*folders, ("./a//1.png", b"one"), ("c/2.png", b"two")])
    assert unpack(archive, tmp_path / "out") == {}
    assert contents(tmp_path / "out") == {"a/1.png": b"one", "c/2.png": b"two"}
    assert (tmp_path / "out" / "empty" / "b").is_dir()


@both
def test_changed_names_are_returned_and_composed_ones_do_not_count(tmp_path, suffix):
    names = ["./What?/1.png", "cat/a.png", "Cat/b.png", "u\u0308.png"]
    renamed = unpack(write(tmp_path / f"a.{suffix}", [(name, name.encode()) for name in names]), tmp_path / "out")
    assert listing(tmp_path / "out") == ["Cat~2", "What_", "cat", "ü.png"]
    assert renamed == {"What?/1.png": "What_/1.png", "Cat/b.png": "Cat~2/b.png"}


HARMFUL = {
    "/etc/passwd": "absolute name",
    "c:evil.png": "absolute name",
    "cat/../../evil.png": "`..` in its name",
    "__MACOSX/../evil.png": "`..` in its name",
    "ok.png": "occurs twice",
    "ok.png/1.png": "both a file and a folder",
}


@both
@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_name_is_refused(tmp_path, suffix, name):
    is_refused(write(tmp_path / f"a.{suffix}", [("ok.png", b""), (name, b"x")]), f"the member {name!r}", HARMFUL[name])


def test_backslashes_links_and_lies_are_refused_with_the_members_name(tmp_path):
    is_refused(write(tmp_path / "a.zip", [("cat\\..\\..\\evil", b"evil")]), "'cat/../../evil' has `..` in its name")
    is_refused(write(tmp_path / "a.zip", [(zip_info("._x", stat.S_IFLNK), b"y")]), "'._x' is a symbolic link")
    is_refused(write(tmp_path / "a.tar", [(tar_info("._x", tarfile.SYMTYPE), b"")]), "'._x' is a symbolic link")
    folder = tar_info("cat", tarfile.DIRTYPE, size=512)
    is_refused(
        write(tmp_path / "b.tar", [(folder, bytes(512))]), "the member 'cat' declares 512 bytes, which is impossible"
    )


@both
def test_every_limit_is_named_with_its_value_and_the_member(tmp_path, suffix):
    archive = write(tmp_path / f"a.{suffix}", [("a/1.png", b"x" * 600), ("a/b/2.png", b"y" * 600)])
    is_refused(archive, "'a/b/2.png'", "the limit `depth` is 1.", limits=Limits(depth=1))
    is_refused(archive, "'a/1.png' has 600 bytes; the limit `member_bytes` is 599.", limits=Limits(member_bytes=599))
    is_refused(
        archive, "'a/b/2.png'", "1,200 bytes; the limit `total_bytes` is 1,199.", limits=Limits(total_bytes=1199)
    )
    exactly = Limits(entries=2, depth=2, member_bytes=600, total_bytes=1200)
    unpack(archive, tmp_path / "exactly", limits=exactly)
    assert len(contents(tmp_path / "exactly")) == 2


def test_too_many_entries_are_refused_side_files_included(tmp_path):
    members = [("1.png", b""), ("._1.png", b""), ("2.png", b"")]
    is_refused(write(tmp_path / "a.tar", members), "'2.png'", "the limit `entries` is 2.", limits=Limits(entries=2))
    is_refused(write(tmp_path / "a.zip", members), "the limit `entries`, which is 2.", limits=Limits(entries=2))


@pytest.mark.parametrize("suffix", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_run_of_zeros_is_refused_before_it_is_written(tmp_path, suffix):
    path = write(tmp_path / f"bomb.{suffix}", [("cat/zeros.png", bytes(10 * MIB))])
    assert path.stat().st_size < 20_000
    is_refused(path, "'cat/zeros.png' has 10,485,760 bytes", "`member_bytes`", limits=Limits(member_bytes=MIB))
    is_refused(path, "'cat/zeros.png' brings", "`total_bytes`", limits=Limits(total_bytes=MIB))
    unpack(path, tmp_path / "small", limits=Limits(ratio=2))
    assert list(contents(tmp_path / "small")) == ["cat/zeros.png"]


@pytest.fixture(scope="module")
def zeros(tmp_path_factory):
    """70 MiB of zeros, once in a zip and once in a tar.gz: more than may come out before the ratio is judged."""
    folder = tmp_path_factory.mktemp("zeros")
    members = [("cat/noise.png", random.Random(0).randbytes(MIB)), ("cat/zeros.png", bytes(70 * MIB))]
    for name in ("bomb.zip", "bomb.tar.gz"):
        write(folder / name, members)
    return folder


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
def test_an_archive_that_unpacks_to_too_many_times_its_size_is_refused(zeros, name):
    is_refused(
        zeros / name,
        "'cat/zeros.png' brings the archive to 74,448,896 bytes",
        "the limit `ratio` is 30.",
        limits=Limits(ratio=30),
    )


def test_a_zip_member_that_unpacks_to_too_many_times_its_own_size_is_refused(zeros):
    is_refused(zeros / "bomb.zip", "'cat/zeros.png' has 73,400,320 bytes from", "`ratio` is 200.0.")


def test_a_tar_that_hides_its_zeros_in_a_side_file_is_refused(tmp_path):
    archive = write(tmp_path / "a.tar.gz", [("._side", bytes(70 * MIB))])
    is_refused(archive, "unpacks to 68,157,440 bytes from", "`ratio` is 200.0.")


@both
def test_too_little_disk_space_is_noticed_before_writing(tmp_path, suffix, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    archive = write(tmp_path / f"a.{suffix}", [("1.png", b"x" * 600), ("2.png", b"y" * 600)])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9999, 9999, 1199 if suffix == "zip" else 599))
    is_refused(archive, "bytes of disk space", "are free. Make room.")


def test_a_disk_that_fills_up_while_writing_leaves_nothing(tmp_path, monkeypatch):
    archive = write(tmp_path / "a.zip", PETS.items())

    def full(self, mode):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "chmod", lambda self, mode: full(self, mode) if self.suffix == ".png" else None)
    is_refused(archive, "'cat/1.png' cannot be written (No space left on device).")


def test_sizes_that_both_headers_of_a_zip_lie_about_show_when_it_is_read(tmp_path):
    data = write(tmp_path / "a.zip", [("a.png", b"x" * 999)]).read_bytes()
    for size in (998, 1000):
        (tmp_path / "a.zip").write_bytes(data.replace((999).to_bytes(4, "little"), size.to_bytes(4, "little")))
        is_refused(tmp_path / "a.zip", "'a.png'", "Fetch or pack the archive again")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_an_archive_that_is_cut_short_is_refused(tmp_path, suffix, kept):
    members = [(f"{i}.png", random.Random(i).randbytes(20_000)) for i in range(5)]
    path = write(tmp_path / f"a.{suffix}", members)
    os.truncate(path, int(path.stat().st_size * kept))
    is_refused(path)


def test_a_gzip_with_a_wrong_checksum_is_refused(tmp_path):
    archive = write(tmp_path / "a.tar.gz", PETS.items())
    archive.write_bytes(archive.read_bytes()[:-8] + bytes(4) + archive.read_bytes()[-4:])
    is_refused(archive, "CRC check failed")


class StopError(Exception):
    """An exception of the caller's own code."""


@both
@pytest.mark.parametrize("error", [StopError, OSError, KeyboardInterrupt])
def test_stopped_midway_nothing_is_left_and_the_exception_is_passed_on(tmp_path, suffix, error):
    archive = write(tmp_path / f"a.{suffix}", [(f"{i}.png", random.Random(i).randbytes(2 * MIB)) for i in range(3)])
    seen = []

    def stop(done, total):
        seen.append(sum(path.stat().st_size for path in tmp_path.rglob("*.png")))
        if done > total / 2:
            raise error

    with pytest.raises(error):
        unpack(archive, tmp_path / "out", progress=stop)
    assert 2 * MIB < seen[-1] < 6 * MIB
    assert listing(tmp_path) == [archive.name]
    unpack(archive, tmp_path / "out")
    assert len(contents(tmp_path / "out")) == 3


@both
def test_progress_rises_to_the_size_of_the_archive(tmp_path, suffix):
    archive = write(
        tmp_path / f"a.{suffix}", [("cat/", b""), *((f"{i}.png", random.Random(i).randbytes(MIB)) for i in range(4))]
    )
    calls = []
    unpack(archive, tmp_path / "out", progress=lambda done, total: calls.append((done, total)))
    size = archive.stat().st_size
    assert {total for _, total in calls} == {size}
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1] == (size, size)
    assert len({done for done, _ in calls}) > 3


# Property tests for cases not thought of above. Derandomised: the same archives on every machine.
DRAW = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PLAIN = st.text("abcdefghijklmnopqrstuvwxyz0123456789 _-äß猫", min_size=1, max_size=8).map("p{}q".format)
WORDS = ["a", "b", "A", "a.png", "..", ".", "", "con", "aux.png", "a ", "a.", "C:", "~", "._a", "__MACOSX", ".DS_Store"]
WORDS += ["\0", "a\0b", "é", "e\u0301", "ﬀ", "\u202e", "\u2028", "\x7f"]
PARTS = st.one_of(st.sampled_from([*WORDS, "x" * 210]), st.text(max_size=6))
NAMES = st.builds(
    lambda start, parts, separator: start + separator.join(parts),
    st.sampled_from(["", "", "", "", "/", "\\", "C:\\", "./", "../"]),
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["/", "/", "\\"]),
)
KINDS = {
    "file": (stat.S_IFREG, tarfile.REGTYPE),
    "folder": (stat.S_IFDIR, tarfile.DIRTYPE),
    "symlink": (stat.S_IFLNK, tarfile.SYMTYPE),
    "hardlink": (stat.S_IFREG, tarfile.LNKTYPE),
    "device": (stat.S_IFCHR, tarfile.CHRTYPE),
    "fifo": (stat.S_IFIFO, tarfile.FIFOTYPE),
}
ANY_KIND = st.sampled_from(["file"] * 20 + ["folder"] * 4 + sorted(KINDS))
MEMBERS = st.lists(st.tuples(st.one_of(PLAIN, PLAIN, PLAIN, NAMES), ANY_KIND, st.integers(1, 3000)), max_size=5)


def content(i, size):
    """Bytes that identify the member they belong to."""
    return f"member {i}:".encode() + bytes([i]) * size


def pack(path, members):
    """An archive of (name, kind, size)."""
    packed = []
    for i, (name, kind, size) in enumerate(members):
        body = content(i, size) if kind == "file" else b""
        pax = {"path": name} if "\0" in name else {}
        mode, type_ = KINDS[kind]
        tar = path.suffix != ".zip"
        packed.append((tar_info("x" if pax else name, type_, len(body), **pax) if tar else zip_info(name, mode), body))
    return write(path, packed)


@contextmanager
def surroundings():
    """A folder with a file in it that must not change."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        inner = root / "inner"
        (root / "precious").mkdir()
        (root / "precious" / "file").write_bytes(b"precious")
        inner.mkdir()
        yield inner
        assert listing(root) == ["inner", "precious"]
        assert (root / "precious" / "file").read_bytes() == b"precious"


def contains_only_plain_files(folder):
    found = [path.lstat().st_mode for path in folder.rglob("*")]
    return all(mode in (stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755) for mode in found)


@settings(DRAW, max_examples=250)
@given(members=MEMBERS, suffix=st.sampled_from(FORMATS))
def test_any_archive_is_unpacked_completely_below_the_target_or_not_at_all(members, suffix):
    with surroundings() as folder:
        archive, target = pack(folder / f"archive.{suffix}", members), folder / "out"
        before = snapshot(folder)
        try:
            unpack(archive, target)
        except DatasetError as error:
            assert str(error).encode()
            assert snapshot(folder) == before
            return
        assert {path: state for path, state in snapshot(folder).items() if path.split("/")[0] != "out"} == before
        assert contains_only_plain_files(target)
        packed = [
            (i, name.replace("\\", "/") if suffix == "zip" else name, *rest) for i, (name, *rest) in enumerate(members)
        ]
        # tarfile takes the slashes off the end of a folder's name, which leaves nothing of "/".
        absolute = [name for _, name, *_ in packed if name[:1] == "/" and name.strip("/")]
        assert not absolute + [name for _, name, *_ in packed if ".." in name.split("/") or "\0" in name]
        assert {kind for _, _, kind, _ in packed} <= (
            {"file", "folder", "hardlink"} if suffix == "zip" else {"file", "folder"}
        )
        files = [
            content(i, size) if kind == "file" else b""
            for i, name, kind, size in packed
            if kind != "folder" and not is_side_file(name) and not (suffix == "zip" and name.endswith("/"))
        ]
        assert Counter(contents(target).values()) == Counter(files)


def is_side_file(name):
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "__MACOSX" in parts or any(part.startswith("._") for part in parts) or parts[-1] == ".DS_Store"


@settings(DRAW, max_examples=50)
@given(names=st.sets(st.tuples(PLAIN, PLAIN).map("/".join), max_size=6), suffix=st.sampled_from(FORMATS))
def test_an_ordinary_archive_is_unpacked_unchanged(names, suffix):
    with surroundings() as folder:
        expected = {name: content(i, i * 700) for i, name in enumerate(sorted(names))}
        archive = pack(folder / f"archive.{suffix}", [(name, "file", i * 700) for i, name in enumerate(sorted(names))])
        if names:
            assert unpack(archive, folder / "out") == {}
            assert contents(folder / "out") == expected


@settings(DRAW, max_examples=250)
@given(
    suffix=st.sampled_from(FORMATS),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_bytes_overwritten_anywhere_never_crash_and_never_reach_outside(suffix, edits):
    with surroundings() as folder:
        archive = pack(
            folder / f"archive.{suffix}", [("cat/a.png", "file", 300), ("é" * 60, "file", 9), ("dog/", "folder", 0)]
        )
        data = bytearray(
            archive.read_bytes().rstrip(b"\0").ljust(1024, b"\0") if suffix == "tar" else archive.read_bytes()
        )
        for place, value in edits:
            data[int(place * len(data))] = value
        archive.write_bytes(data + bytes(1024) if suffix == "tar" else data)
        try:
            unpack(archive, folder / "out")
            assert contains_only_plain_files(folder / "out")
        except DatasetError:
            assert not (folder / "out").exists()
