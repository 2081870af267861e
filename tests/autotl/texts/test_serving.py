"""An exported model reads texts as training did, and says why it cannot read one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autotl.texts.counting import build_counter
from autotl.texts.reading import UnreadableText
from autotl.texts.serving import ItemReader
from autotl.texts.text_reader import VOCABULARY_FILE


@pytest.fixture
def reader(tmp_path: Path) -> ItemReader:
    counter = build_counter(["a fine film", "a fine book"], words=(1, 1), characters=(2, 2), most=50)
    (tmp_path / VOCABULARY_FILE).write_text(counter.to_json(), encoding="utf-8")
    return ItemReader(tmp_path, {"input": {"kind": "counts"}})


def test_a_text_a_file_and_its_bytes_are_read_alike(reader: ItemReader, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufefféclair\r\nfine".encode())
    given = reader.given(["éclair\nfine", tmp_path / "a.txt", (tmp_path / "a.txt").read_bytes()])
    assert len({reader.read(one) for one in given}) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_refused_with_its_reason(reader: ItemReader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    for path, why in (
        (tmp_path / "gone.txt", "there is no such file"),
        (tmp_path / "pipe.txt", "it is not a regular file"),
        (tmp_path, "it is not a regular file|it cannot be opened"),
        (Path("a\0b.txt"), "cannot be read|no such file"),
    ):
        [given] = reader.given([path])
        with pytest.raises(UnreadableText, match=why):
            reader.read(given)
