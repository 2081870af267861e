"""A table that came with an upload may name no file outside of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.data.confined_tables import require_confined
from autotl.errors import DatasetError


@pytest.mark.parametrize("cell", ["/etc/passwd", "../secret.jpg", "a/../../secret.jpg", " /etc/passwd"])
def test_a_path_that_leads_out_is_refused(cell: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(f"path,label\n{cell},cat\n")
    for data in (tmp_path, tmp_path / "labels.csv"):
        with pytest.raises(DatasetError, match="not part of the upload"):
            require_confined(data)


@pytest.mark.parametrize("cell", ["cat/1.jpg", "a/../b.jpg", "/", "..cat.jpg"])
def test_others_are_taken(cell: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(f"path,label\n{cell},cat\n")
    (tmp_path / "notes.txt").write_text("/etc/passwd")
    require_confined(tmp_path)


def test_texts_may_begin_as_a_path_does_where_their_column_names_no_file(tmp_path: Path) -> None:
    texts = [
        "/s is the mark of irony, as all of us know",
        "../ is a folder above, he said",
        "and one more of some length",
    ]
    (tmp_path / "x.csv").write_text("text,label\n" + "".join(f'"{text}",a\n' for text in texts))
    require_confined(tmp_path)


@pytest.mark.parametrize("other", ["../secret.txt", "holiday photo number one.png", "a letter to my friend.EML"])
def test_a_column_of_texts_with_the_name_of_a_file_is_looked_at(other: str, tmp_path: Path) -> None:
    rows = ["/etc/passwd", *["some words of a longer text"] * 9, other]
    (tmp_path / "x.csv").write_text("text,label\n" + "".join(f"{row},a\n" for row in rows))
    with pytest.raises(DatasetError, match="has '/etc/passwd' in the column 'text', which is not part of the upload"):
        require_confined(tmp_path)
