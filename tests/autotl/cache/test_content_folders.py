"""A folder is created completely or not at all, and found again by the content that it came from."""

from __future__ import annotations

import os
import stat
import time

import pytest

from autotl.cache.content_folders import Unpacked, new_folder, unpacked_once
from autotl.errors import DatasetError


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_appears_when_everything_is_written(tmp_path):
    with new_folder(tmp_path / "new" / "out") as temporary:
        (temporary / "1.png").write_bytes(b"one")
        assert not (tmp_path / "new" / "out").exists()
    assert listing(tmp_path / "new") == ["out"]
    assert listing(tmp_path / "new" / "out") == ["1.png"]
    assert stat.S_IMODE((tmp_path / "new" / "out").stat().st_mode) == 0o755


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_after_an_exception(tmp_path, error):
    with pytest.raises(error), new_folder(tmp_path / "out") as temporary:
        (temporary / "1.png").write_bytes(b"one")
        raise error
    assert listing(tmp_path) == []


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path):
    with new_folder(tmp_path / "out") as temporary:
        left = temporary.name
    old, new, other = tmp_path / f"{left}old", tmp_path / f"{left}new", tmp_path / ".another"
    for folder in (old, new, other):
        (folder / "cat").mkdir(parents=True)
    for folder in (old, other):
        os.utime(folder, (time.time() - 90_000,) * 2)
    with new_folder(tmp_path / "second"):
        pass
    assert [folder.exists() for folder in (old, new, other)] == [False, True, True]


@pytest.fixture
def unpacked(tmp_path):
    """unpacked("a"): a file unpacked into its folder; `unpacked.made` lists the folders made."""

    def unpack(folder):
        unpacked.made.append(folder)
        folder.mkdir()
        return {"nth": str(len(unpacked.made))}

    def unpacked(name, **options):
        return unpacked_once(tmp_path / name, tmp_path / "cache", unpack, **options)

    for name, data in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(data)
    unpacked.made = []
    return unpacked


def test_equal_files_are_unpacked_once_and_others_separately(unpacked, tmp_path):
    first, again, other, part = unpacked("a"), unpacked("b"), unpacked("c"), unpacked("a", part="thumbnails")
    assert first == again
    assert len({first.folder, other.folder, part.folder}) == len(unpacked.made) == 3
    assert [found.notes["nth"] for found in (first, other, part)] == ["1", "2", "3"]
    assert first.folder.parent == tmp_path / "cache" / "unpacked"


@pytest.mark.parametrize("lost", ["folder", "notes"])
def test_a_file_whose_folder_or_notes_are_lost_is_unpacked_again(unpacked, lost):
    folder = unpacked("a").folder
    if lost == "folder":
        folder.rmdir()
    else:
        folder.with_suffix(".json").unlink()
    assert unpacked("a") == Unpacked(folder, {"nth": "2"})
    assert folder.is_dir()


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DatasetError, match=r"a cannot be unpacked into .*cache.*AUTOTL_CACHE"):
        unpacked_once(tmp_path / "a", tmp_path / "cache", lambda folder: None)
