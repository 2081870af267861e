"""Cells copied from a spreadsheet become a table of texts and labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.data.pasted_cells import read_pasted, write_pasted
from autotl.data.source import open_source
from autotl.errors import DatasetError


@pytest.mark.parametrize(
    ("pasted", "rows"),
    [
        ("a good film\tpos\na bad film\tneg\n", (("a good film", "pos"), ("a bad film", "neg"))),
        ("pos\ta good film\r\nneg\ta bad film\r\n", (("a good film", "pos"), ("a bad film", "neg"))),
        ("Text\tLabel\na good film\tpos", (("a good film", "pos"),)),
        ('"two\nlines, ""quoted"""\tpos', (('two\nlines, "quoted"', "pos"),)),
        ("one column alone\nof texts", (("one column alone", ""), ("of texts", ""))),
        ("a good film\tpos\n\n\tneg\nnot labelled yet\t", (("a good film", "pos"), ("not labelled yet", ""))),
    ],
)
def test_the_longer_column_holds_the_texts_and_a_row_of_names_is_left_out(
    pasted: str, rows: tuple[tuple[str, str], ...]
) -> None:
    assert read_pasted(pasted).rows == rows


@pytest.mark.parametrize(
    ("pasted", "said"),
    [("", "no text was pasted"), ("\t\n", "no text was pasted"), ("a\tb\nc\td\te", "row 2 has 3 cells")],
)
def test_what_cannot_be_used_is_refused_with_the_reason(pasted: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        read_pasted(pasted)


def test_what_is_written_is_read_as_texts_with_their_labels(tmp_path: Path) -> None:
    table = tmp_path / "made" / "pasted.csv"
    write_pasted(read_pasted("a good, long film\tpos\n" * 4 + '"a bad\nfilm"\tneg\n' * 4), table)
    source = open_source(table, label="label", text="text", cache=tmp_path / "cache")
    assert source.modality == "text"
    assert source.table["label"].value_counts().to_dict() == {"pos": 4, "neg": 4}
