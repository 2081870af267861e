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
    ],
)
def test_what_is_no_sheet_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        read_sheet(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_sheet(tmp_path / "none.csv")
