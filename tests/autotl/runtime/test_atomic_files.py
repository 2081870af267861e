"""A file is the old one or the new one, never half of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autotl.runtime.atomic_files import remove_leftovers, write_atomically


def test_a_file_is_made_and_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "état.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_atomically(path, b"old")

    def fill_up(self, data):
        with self.open("wb") as file:
            file.write(data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_failed_write_leaves_no_temporary_file(tmp_path, monkeypatch):
    def fill_up(self, data):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "run.json", b"new")
    assert not list(tmp_path.iterdir())


KILLED_HALF_WAY = """
import os, signal, sys
from pathlib import Path
from autotl.runtime.atomic_files import write_atomically
Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
write_atomically(Path(sys.argv[1]), b"new")
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_what_a_kill_left_half_written_is_removed_and_nothing_that_is_young_or_not_ours(tmp_path):
    kept = {tmp_path / "deep" / "run.json", tmp_path / ".hidden", tmp_path / f".notes.{'0' * 31}"}
    (tmp_path / "deep").mkdir()
    for path in kept:
        path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED_HALF_WAY, str(tmp_path / "deep" / "run.json")], check=False)
    assert done.returncode == -signal.SIGKILL
    [half] = (tmp_path / "deep").glob(".run.json.*")
    remove_leftovers(tmp_path, before=half.stat().st_mtime - 1)
    assert half.exists()
    remove_leftovers(tmp_path, before=time.time() + 1)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == kept
