"""Columns of texts are told from columns of words, and their cells are written once."""

from __future__ import annotations

import pandas as pd
import pytest

from autotl.data.table_texts import is_longish, text_columns, write_texts


@pytest.fixture
def written(tmp_path):
    """Write the texts of a column."""
    (tmp_path / "x.csv").write_text("content")

    def written(texts, progress=None):
        return write_texts(pd.Series(texts, name="text"), tmp_path / "x.csv", tmp_path / "cache", progress)

    return written


@pytest.mark.parametrize(
    ("cells", "longish"),
    [
        (["It was a dark and stormy night", "The rain fell in torrents, without an end"], True),
        (["これはとても長い文章ですから注意してください"] * 2, True),
        (["cat", "dog"], False),
        (["https://example.org/a/very/long/address", "https://example.org/another/long/address"], False),
        (["ann.smith.of.the.long.name@example.org"] * 3, False),
        (["", "", ""], False),
        ([], False),
        (["", "", "A single text, but a text, and long enough"], True),
        ([b"bytes that are many words, but no text at all"], False),
    ],
)  # fmt: skip
def test_longish_texts_are_several_words(cells, longish):
    assert is_longish(pd.Series(cells, dtype=object if cells and isinstance(cells[0], bytes) else str)) is longish


def test_only_columns_with_a_common_name_and_texts_are_candidates():
    texts = ["It was a dark and stormy night", "The rain fell in torrents all night"]
    frame = pd.DataFrame({"Comment": texts, "title": texts, "review text": texts, "body": ["a", "b"]})
    assert text_columns(frame, list(frame)) == ["Comment", "review text"]


def test_texts_are_utf8_files_byte_for_byte_and_rows_without_one_have_the_reason(written):
    texts = ["two\nlines\r\n", "", "Gr\u00f6\u00dfe \U0001f600", "n/a", "\ufeffmark", " spaces "]
    found = written(texts)
    assert found.missing == ["", "the row contains no text", "", "the row contains no text", "", ""]
    assert [(found.root / path).read_bytes().decode() for path in found.paths if (found.root / path).exists()] == [
        text for text in texts if text not in ("", "n/a")
    ]
    assert written(texts).root == found.root
    assert written([*texts[:-1], "other"]).root != found.root


def test_progress_counts_rows_and_nothing_is_left_where_it_stops(tmp_path, written):
    def stop(done, total):
        assert total == 3
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(["a", "b", "c"], stop)
    assert [path for path in (tmp_path / "cache" / "unpacked").iterdir() if path.is_dir()] == []
