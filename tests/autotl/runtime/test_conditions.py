"""Conditions of the machine are told as such: what, where, what to do; everything else is not."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.exc import OperationalError

from autotl.errors import MachineError, RunError
from autotl.runtime.conditions import Place, condition_in, explain, explained, is_condition, require_writable

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def places(tmp_path: Path) -> tuple[Place, Place]:
    return Place(tmp_path / "run", "the run folder", "Name another with --run"), Place(
        tmp_path / "cache", "the cache", "Set AUTOTL_CACHE"
    )


def error_of(number: int, file: Path | None = None) -> OSError:
    return OSError(number, os.strerror(number), *([str(file)] if file else []))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_the_place_that_is_full_is_named_with_what_to_do(
    number: int, places: tuple[Place, Place], tmp_path: Path
) -> None:
    said = explain(error_of(number, tmp_path / "cache" / "x.npy"), places)
    assert said == f"the disk of the cache {tmp_path / 'cache'} is full. Make room there, or set AUTOTL_CACHE."


def test_a_write_that_does_not_say_where_is_traced_to_the_disk_that_is_full(
    places: tuple[Place, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").mkdir()
    full = lambda folder: Usage(9, 9, 0 if Path(folder).name == "cache" else 1 << 40)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", full)
    assert explain(error_of(errno.ENOSPC), places).startswith(f"the disk of the cache {tmp_path / 'cache'} is full.")
    numpys = OSError("12345 requested and 678 written")
    assert "the cache" in explain(numpys, places)


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO, errno.ELOOP]
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    number: int, places: tuple[Place, Place], tmp_path: Path
) -> None:
    assert explain(error_of(number, tmp_path / "run" / "run.json"), places).endswith("Name another with --run.")
    elsewhere = explain(error_of(number, Path("/elsewhere/x")), places)
    assert elsewhere.startswith("/elsewhere/x ")
    assert elsewhere.endswith("Make it available, or choose another place.")


@pytest.mark.parametrize(
    "error", [MemoryError(), error_of(errno.EMFILE), error_of(errno.ENOMEM), BlockingIOError(11, "")]
)
def test_what_the_machine_has_too_little_of_is_named(error: Exception) -> None:
    assert explain(error)


def test_a_database_on_a_full_or_locked_disk_is_a_condition_in_whatever_it_is_wrapped(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    database = sqlite3.connect(file)
    database.execute("create table t (a text)")
    database.execute("pragma max_page_count = 4")
    with pytest.raises(sqlite3.OperationalError) as full:
        for _ in range(9):
            database.execute("insert into t values (?)", ("x" * 9000,))
    assert "full" in explain(full.value)
    wrapped = OperationalError("insert", {}, full.value)
    assert "full" in explain(wrapped)
    try:
        raise RuntimeError("storage failed") from wrapped
    except RuntimeError as outer:
        assert is_condition(outer)


def test_a_library_that_only_passes_on_the_words_is_understood() -> None:
    assert "full" in explain(RuntimeError("[ONNXRuntimeError] : 1 : FAIL : No space left on device"))
    assert is_condition(ValueError("write failed: Read-only file system"))


def test_the_condition_behind_an_error_is_told_with_its_number_and_file() -> None:
    try:
        raise ValueError("the network could not be written") from OSError(errno.ENOSPC, "full", "/there/a.keras")
    except ValueError as outer:
        found = condition_in(outer)
    assert found is not None
    assert (found.errno, found.filename) == (errno.ENOSPC, "/there/a.keras")
    assert condition_in(OSError(errno.ENOENT, "not there", "/there")) is None
    assert condition_in(MemoryError()) is None


def test_a_fault_of_ours_stays_one() -> None:
    for error in (
        KeyError("x"),
        ValueError("bad"),
        FileNotFoundError(2, "gone", "relative.txt"),
        OSError("odd"),
        sqlite3.OperationalError("no such table: t"),
        FileNotFoundError(2, "gone", __import__("autotl").__file__),
    ):
        assert explain(error) == ""
    try:
        try:
            raise error_of(errno.ENOSPC)
        except OSError:
            raise KeyError("only while that was handled")  # noqa: B904
    except KeyError as later:
        assert explain(later) == ""
    with pytest.raises(KeyError), explained():
        raise KeyError("x")


def test_a_file_of_the_users_that_has_gone_is_a_condition(tmp_path: Path) -> None:
    assert explain(error_of(errno.ENOENT, tmp_path / "x.png")).startswith(f"{tmp_path / 'x.png'} does not exist")


def test_errors_that_explain_themselves_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="as it was"), explained(Place(tmp_path, "x", "y")):
        raise RunError("as it was")
    with pytest.raises(MachineError, match="Then go on"), explained(Place(tmp_path, "x", "y"), after="Then go on."):
        raise error_of(errno.ENOSPC)


@pytest.mark.parametrize("name", ["file/x", "/proc/nope", "/proc/x/y", "n" * 300, "file"])
def test_a_folder_in_which_nothing_can_be_written_is_refused_with_the_remedy(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MachineError, match=r"the cache .* cannot be written: .*\. Choose another\.$"):
        require_writable(Place(tmp_path / name, "the cache", "Choose another"))
    assert sorted(tmp_path.rglob("*")) == before


def test_looking_whether_a_folder_can_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    require_writable(Place(tmp_path / "a" / "b", "it", "Choose another"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "kept").mkdir()
    require_writable(Place(tmp_path / "kept", "it", "Choose another"))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_sqlalchemy_says_so_too(tmp_path: Path) -> None:
    with pytest.raises(OperationalError) as refused:
        sqlalchemy.create_engine(f"sqlite:///{tmp_path}/no/a.db").connect()
    assert explain(refused.value)
