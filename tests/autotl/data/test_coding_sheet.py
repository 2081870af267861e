"""Coding sheets as spreadsheets save them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.data.coding_sheet import SheetRow, read_sheet, write_sheet
from autotl.errors import DatasetError

ROWS = (SheetRow(2, "a, b.png", "Zoë", "cat"), SheetRow(4, "c.png", "Zoë", ""))


def test_a_sheet_that_was_written_is_read_without_labels(tmp_path: Path) -> None:
    write_sheet(tmp_path / "new" / "sheet.csv", ["a, b.png", "c\n.png"])
    assert read_sheet(tmp_path / "new" / "sheet.csv") == (
        SheetRow(2, "a, b.png", "", ""),
        SheetRow(4, "c\n.png", "", ""),
    )


def test_a_spreadsheet_runs_no_item_as_a_formula(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.csv", ["=1+1.png", "/photos/=1+1.png"])
    assert [row.item for row in read_sheet(tmp_path / "sheet.csv")] == ["./=1+1.png", "/photos/=1+1.png"]


def test_further_columns_stand_behind_and_are_no_formulas_either(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.csv", ["a.png"], further={"image": ["/photos/a.png"], "text": ["=1+1"]})
    assert (tmp_path / "sheet.csv").read_text() == "item,coder,label,image,text\na.png,,,/photos/a.png, =1+1\n"
    assert read_sheet(tmp_path / "sheet.csv") == (SheetRow(2, "a.png", "", ""),)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ('item,coder,label\n"a, b.png",Zoë,cat\n,,\nc.png,Zoë,\n', "utf-8"),
        ("Item;Coder;Label;note\r\na, b.png;Zoë; cat ;x\r\n\r\nc.png;Zoë\r\n", "utf-8-sig"),
        ("label\titem\tcoder\ncat\ta, b.png\tZoë\n\n\tc.png\tZoë\n", "utf-16"),
        ("item;coder;label\na, b.png;Zoë;cat\n;;\nc.png;Zoë;\n", "cp1252"),
    ],
)
def test_whatever_a_spreadsheet_makes_of_it(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(text.encode(encoding))
    assert read_sheet(path) == ROWS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"image,label\na,b\n", "the column 'item' is missing"),
        (b"PK\x03\x04...", "is a spreadsheet"),
        (b"item,coder,label,Label\na,Ann,cat,dog\n", "has 2 columns 'label'"),
        (b'item,coder,label\na,Ann,cat\nb,"Ann,dog\nc,Ann,cat\n', "a quote opened in line 3 is never closed"),
        (b'item,coder,label\n"a\nb",Ann,"cat', "a quote opened in line 3 is never closed"),
        (b'"item,coder,label\na,Ann,cat\n', "a quote opened in line 1 is never closed"),
        (b"item,coder,la\x1b[31mbel\na,Ann,cat\n", r"'la\\x1b\[31mbel'"),
    ],
)
def test_what_is_no_sheet_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        read_sheet(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_sheet(tmp_path / "none.csv")


@pytest.mark.parametrize("mark", [";", ",", "\t"])
def test_a_first_line_that_names_the_separator_is_followed(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "sheet.csv"
    rows = [("item", "coder", "label", "note"), ("a.png", "Zoë", "cat", "x")]
    path.write_text("\r\n".join([f"sep={mark}", *map(mark.join, rows)]), encoding="utf-8")
    assert read_sheet(path) == (SheetRow(3, "a.png", "Zoë", "cat"),)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a\0b", "U+0000"),
        ("\x1b[31mAnn", "U+001B"),
        ("Ann\u202e", "U+202E"),
        ("A\u2066nn", "U+2066"),
        ("a\uffff", "U+FFFF"),
    ],
)
def test_a_name_that_a_terminal_or_a_page_cannot_show_is_refused_with_its_line(
    tmp_path: Path, name: str, code: str
) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(f"item,coder,label\na.png,Zoë,cat\nb.png,{name},cat\n", encoding="utf-8")
    with pytest.raises(DatasetError) as error:
        read_sheet(path)
    assert "line 3" in str(error.value)
    assert code in str(error.value)
    assert str(error.value).isprintable()
