"""Every file is read once for its hash, and anything else has a reason."""

from __future__ import annotations

import hashlib
import os

import pytest

from autotl.data import hashing as module
from autotl.data.hashing import find_copies, hash_files

NOTHING = hashlib.sha256(b"").hexdigest()


def test_the_hash_is_the_sha256_of_the_bytes_in_the_order_asked_for(tmp_path):
    contents = {f"{i:03d}.bin": os.urandom(i + 1) for i in range(20)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    names = sorted(contents, reverse=True)
    found = hash_files(tmp_path, names)
    assert list(found["sha256"]) == [hashlib.sha256(contents[name]).hexdigest() for name in names]
    assert list(found["n_bytes"]) == [len(contents[name]) for name in names]
    assert set(found["quarantine"]) == {""}


def test_a_file_larger_than_a_chunk_is_read_to_its_end(tmp_path):
    content = os.urandom(module._CHUNK_BYTES) + b"the end"
    (tmp_path / "large").write_bytes(content)
    assert hash_files(tmp_path, ["large"]).iloc[0].to_list() == [hashlib.sha256(content).hexdigest(), len(content), ""]


def test_a_path_may_be_absolute_and_a_link_counts_as_its_target(tmp_path):
    file = tmp_path / "elsewhere" / "a"
    file.parent.mkdir()
    file.write_bytes(b"abc")
    (tmp_path / "link").symlink_to(file)
    found = hash_files(tmp_path, ["link", str(file)])
    assert list(found["sha256"]) == [hashlib.sha256(b"abc").hexdigest()] * 2


def test_unreadable_files_have_a_reason_and_the_others_a_hash(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "good").write_bytes(b"abc")
    found = hash_files(tmp_path, ["missing", "empty", "folder", "circle", "good"])
    missing, empty, folder, circle, good = found["quarantine"]
    assert (missing, empty, folder, good) == (
        "cannot be read: No such file or directory",
        "it is empty (0 bytes)",
        "it is not a file",
        "",
    )
    assert circle.startswith("cannot be read: ")
    assert list(found["sha256"]) == [NOTHING] * 4 + [hashlib.sha256(b"abc").hexdigest()]


def test_copies_are_distinguished_from_files_of_equal_size_and_start(tmp_path):
    head = os.urandom(module._HEAD_BYTES)
    contents = {"a": head + b"1", "b": head + b"2", "c": head + b"1", "d": b"1", "e": b"2", "f": b"2", "g": head}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert find_copies(tmp_path, [*contents, "missing"]) == {"a", "c", "e", "f"}
    assert find_copies(tmp_path, []) == frozenset()


@pytest.mark.skipif(os.name == "nt", reason="no pipes there")
def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert list(hash_files(tmp_path, ["pipe"])["quarantine"]) == ["it is not a file"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_has_a_reason(tmp_path):
    (tmp_path / "secret").write_bytes(b"abc")
    (tmp_path / "secret").chmod(0)
    assert "ermission" in hash_files(tmp_path, ["secret"])["quarantine"][0]


def test_progress_counts_batches_up_to_the_number_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FILES_AT_ONCE", 4)
    names = [f"{i}" for i in range(10)]
    for name in names:
        (tmp_path / name).write_text(name)
    seen = []
    found = hash_files(tmp_path, names, progress=lambda *step: seen.append(step))
    assert seen == [(4, 10), (8, 10), (10, 10)]
    assert list(found["n_bytes"]) == [1] * 10


def test_no_files_give_a_table_without_rows(tmp_path):
    found = hash_files(tmp_path, [])
    assert (len(found), list(found.columns)) == (0, ["sha256", "n_bytes", "quarantine"])
