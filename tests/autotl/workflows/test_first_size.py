"""Before the scan, the size to read at is guessed from a few headers."""

from __future__ import annotations

import pytest
from PIL import Image

from autotl.workflows.first_size import guess_size

SIZES = ((224, 224), (128, 128))


@pytest.mark.parametrize(("edge", "size"), [(28, (128, 128)), (300, (224, 224))])
def test_the_first_images_tell_the_size_and_other_files_do_not(tmp_path, edge, size):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no image")
    for number in range(3):
        Image.new("RGB", (edge, 10)).save(tmp_path / "a" / f"{number}.png")
    assert guess_size(tmp_path, SIZES) == size


def test_without_an_image_the_default_is_taken(tmp_path):
    assert guess_size(tmp_path, SIZES) == guess_size(tmp_path / "missing.csv", SIZES) == (224, 224)
