"""A listing of images is kept until something changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_data import write_image

from autotl_ui.workspace.listings import list_items


@pytest.mark.parametrize("folder", ["", "train"])
def test_images_that_come_later_are_seen(folder: str, tmp_path: Path) -> None:
    data = tmp_path / "photos"
    for name in ("cat", "dog"):
        write_image(data / folder / name / "0.png", shade=1)
    assert len(list_items(data, None).table) == 2
    write_image(data / folder / "cat" / "1.png", shade=2)
    assert len(list_items(data, None).table) == 3
