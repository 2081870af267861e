"""CONTRIBUTING.md leads a new engineer through every folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CORE = sorted(path for path in (ROOT / "autotl").iterdir() if not path.name.startswith("_"))


@pytest.mark.parametrize(
    "folder", [path for path in CORE if (path / "__init__.py").exists()], ids=lambda path: path.name
)
def test_every_folder_of_the_core_has_a_row_whose_files_exist(folder: Path) -> None:
    [row] = re.findall(rf"^\| `{folder.name}/` \| .*", TEXT, re.MULTILINE)
    for file in re.findall(r"`(\w+\.py)`", row):
        assert (folder / file).exists(), file


@pytest.mark.parametrize("file", [path.name for path in CORE if path.suffix == ".py"])
def test_every_file_on_top_of_the_core_is_named(file: str) -> None:
    assert f"`{file}`" in TEXT
