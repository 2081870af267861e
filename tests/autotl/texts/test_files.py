"""Text files are read from disk, and a file that cannot be read has a reason."""

from __future__ import annotations

import os
import sys

import pytest

from autotl.texts.files import read_text_file, read_text_file_and_encoding
from autotl.texts.reading import MOST_TEXT_BYTES, UnreadableText


def test_a_file_is_read_by_its_suffix(tmp_path):
    for name in ("a.txt", "a.HTML"):
        (tmp_path / name).write_bytes("<b>Größe</b>".encode("utf-16"))
    assert read_text_file(tmp_path / "a.txt") == "<b>Größe</b>"
    assert read_text_file_and_encoding(tmp_path / "a.HTML")[:2] == ("Größe", "utf-16-le")


def test_what_cannot_be_read_has_a_reason(tmp_path):
    (tmp_path / "large.txt").write_bytes(b"x" * (MOST_TEXT_BYTES + 1))
    reasons = {"absent.txt": "No such file", "large.txt": "more than 4 MiB", ".": "not a regular file|Is a directory"}
    for name, reason in reasons.items():
        with pytest.raises(UnreadableText, match=reason):
            read_text_file(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
@pytest.mark.timeout(10)
def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UnreadableText, match="not a regular file"):
        read_text_file(tmp_path / "pipe.txt")
