"""The file of a pair names the files of its parts or holds them, and a damaged one is refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotl.pairs.pair_files import PairFile, UnreadablePair, held_parts, named_parts, read_pair

FOLDER = Path("/data/pairs")
TEXT = 'Größe "M",\nalmost new 😀'


def test_named_parts_are_paths_from_the_folder_of_the_pair():
    assert read_pair(named_parts("/photos/ä b.png", "row-000001.txt"), FOLDER) == PairFile(
        Path("/photos/ä b.png"), FOLDER / "row-000001.txt"
    )


def test_held_parts_are_the_bytes_and_the_text_themselves():
    image = bytes(range(256))
    assert read_pair(held_parts(image, TEXT), FOLDER) == PairFile(image, TEXT)
    assert read_pair(held_parts(b"", ""), FOLDER) == PairFile(b"", "")


def test_halves_of_characters_do_not_stop_a_pair_from_being_written():
    assert read_pair(held_parts(b"x", "half \ud83d"), FOLDER).text == "half ?"


@pytest.mark.parametrize(
    "document",
    [
        b"", b"no JSON", b"\xff\xfe", b"[]", b"3", b"null", b"{}", b'{"image": {"path": "a"}}',
        b'{"image": {"path": "a"}, "text": "b"}', b'{"image": {"path": 3}, "text": {"path": "b"}}',
        b'{"image": {"base64": "???"}, "text": {"string": "b"}}', b'{"image": {}, "text": {}}',
        b'{"image": ["path"], "text": ["path"]}', b"[" * 100_000, b'{"image": {"path": null}, "text": {"path": "b"}}',
        b'{"image": {"base64": 3}, "text": {"string": "b"}}', b'{"image": {"base64": ""}, "text": {"string": 3}}',
        b'{"image": {"base64": "\xc3\xa4"}, "text": {"string": ""}}',
    ],
)  # fmt: skip
def test_other_files_are_not_pairs(document):
    with pytest.raises(UnreadablePair, match="not the file of a pair"):
        read_pair(document, FOLDER)


@pytest.mark.parametrize("whole", [named_parts("/a.png", "/b.txt"), held_parts(b"image", TEXT)])
def test_damaged_files_are_pairs_or_refused(whole):
    rng = np.random.default_rng(0)
    for _ in range(2000):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), int(rng.integers(1, 5))):
            data[place] = int(rng.integers(256))
        try:
            pair = read_pair(bytes(data[: int(rng.integers(1, len(data) + 1))]), FOLDER)
        except UnreadablePair:
            continue
        assert isinstance(pair.image, Path | bytes)
        assert isinstance(pair.text, Path | str)
