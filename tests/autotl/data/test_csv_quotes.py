"""Quotation marks around cells are told from those that are letters."""

from __future__ import annotations

import csv

import pytest

from autotl.data.csv_quotes import quotes_are_closed, quotes_are_letters


@pytest.fixture
def written(tmp_path):
    """Write text to a file."""

    def written(text):
        (tmp_path / "x.csv").write_text(text, "utf-8")
        return tmp_path / "x.csv"

    return written


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ('a,b\n"x\ny, ""z""",1\n', True),
        ('a,b\nhe said "no",1\n', True),
        ('a, b\n1, "x\ny"\n', True),
        ('a,b\n"x,1\n"y",2\n', False),
        ('a,b\n1,"x\n', False),
    ],
)
def test_closed_quotes_end_before_a_mark_or_a_line_end(written, text, closed):
    assert quotes_are_closed(written(text), ",", "utf-8", 0) is closed


def test_the_limit_of_the_csv_module_is_as_before(written):
    before = csv.field_size_limit()
    assert quotes_are_closed(written('a,b\n"' + "x" * 300_000 + '",1\n'), ",", "utf-8", 0)
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("text", "letters"), [('a\tb\n"x\t1\n\ny"\t2\n', True), ('a\tb\n"x\ny"\t2\n', False), ("a\nb\n", False)]
)
def test_quotes_are_letters_where_every_line_has_as_many_cells(written, text, letters):
    assert quotes_are_letters(written(text), "\t", "utf-8", 0) is letters
