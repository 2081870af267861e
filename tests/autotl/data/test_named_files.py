"""Each row of a table gets the file that it names, or the reason why there is none."""

from __future__ import annotations

import pandas as pd

from autotl.data.file_lookup import Folder
from autotl.data.item_kinds import TEXTS
from autotl.data.named_files import find_files, row_name

PNG = b"an image"


def test_files_that_a_table_names_are_found_or_have_a_reason(tmp_path):
    for path in ("p/1.png", "q/1.png", "q/2.png"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    found = find_files(pd.Series([" 2.png ", "1.png", "9.png", ""], dtype=str), Folder(tmp_path))
    assert (found.root, found.paths) == (tmp_path, ["q/2.png", "1.png", "9.png", "row-000004"])
    assert found.missing == [
        "",
        "several files have this name (p/1.png, q/1.png); give the path in the table",
        "there is no such file",
        "the row names no file",
    ]


def test_what_was_not_found_and_what_was_found_by_its_ending_is_told(tmp_path):
    for path in ("cat/1.png", "dog/2.png"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch()
    names = ["/home/x/cat/1.png", "/home/x/cow/2.png", "", "NA"]
    found = find_files(pd.Series(names, dtype=str), Folder(tmp_path))
    assert [bool(reason) for reason in found.missing] == [False, True, True, True]
    lost, moved = found.notes
    assert lost.message == (
        "3 of 4 rows have no image and are skipped: 2 because the row names no file, 1 because there is no such file, "
        "such as /home/x/cow/2.png"
    )
    assert "/home/x/cat/1.png is cat/1.png" in moved.message


def test_files_of_texts_are_found_by_how_their_names_begin_and_missed_as_texts(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "7.txt").write_text("Dear Ann")
    (tmp_path / "letters" / "7.png").write_bytes(PNG)
    found = find_files(pd.Series(["7", "8"], dtype=str), Folder(tmp_path, holds=TEXTS))
    assert (found.paths, found.missing) == (["letters/7.txt", "8"], ["", "there is no such file"])
    assert found.notes[0].message.startswith("1 of 2 rows have no text and are skipped")


def test_rows_are_numbered_with_as_many_digits_as_there_are():
    assert [row_name(7, 9), row_name(7, 2_000_000)] == ["row-000007", "row-0000007"]
