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
