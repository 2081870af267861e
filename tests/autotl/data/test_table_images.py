"""Images stored in a table become files once, and each row without one has the reason."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from autotl.data.table_images import holds_images, write_images


def image_bytes(seed=0, kind="PNG"):
    """A small image that differs by seed, as the bytes of a file."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)).save(file, kind)
    return file.getvalue()


PNG = image_bytes()
ENCODERS = {
    "bytes": bytes,
    "base64": lambda data: base64.b64encode(data).decode(),
    "data url": lambda data: "data:image/png;base64," + base64.b64encode(data).decode(),
    "url-safe": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
}


@pytest.fixture
def table(tmp_path):
    """A file that a column came from."""
    (tmp_path / "x.csv").write_text("content")
    return tmp_path / "x.csv"


def snapshot(root):
    return sorted((str(path), path.stat().st_mtime_ns) for path in (root, *root.rglob("*")))


@pytest.mark.parametrize("kind", ENCODERS)
def test_images_in_a_table_are_written_once(tmp_path, table, kind):
    datas = [image_bytes(1), image_bytes(2, "JPEG"), image_bytes(3, "GIF"), b"", b"no image at all", image_bytes(6)]
    column = pd.Series([ENCODERS[kind](data) for data in datas], dtype=object)
    assert holds_images(column)
    found = write_images(column, table, tmp_path / "cache", None)
    names = ["row-000001.png", "row-000002.jpg", "row-000003.gif", "row-000004", "row-000005", "row-000006.png"]
    assert found.paths == names
    assert found.missing == [
        "", "", "", "the row contains no image", "the row does not contain an image of a known format", "",
    ]  # fmt: skip
    assert found.root.parent == tmp_path / "cache" / "unpacked"
    assert {path.name: path.read_bytes() for path in found.root.iterdir()} == {
        name: data for name, data, reason in zip(names, datas, found.missing, strict=True) if not reason
    }
    before = snapshot(found.root)
    assert write_images(column, table, tmp_path / "cache", None) == found
    assert snapshot(found.root) == before


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "BMP", "AVIF"])
def test_the_suffix_follows_the_content(tmp_path, table, kind):
    found = write_images(pd.Series([image_bytes(1, kind)]), table, tmp_path, None)
    assert found.paths == [f"row-000001.{kind.lower()[: 3 if kind == 'TIFF' else 4]}"]


def test_text_that_is_not_base64_is_the_reason_of_its_row(tmp_path, table):
    good = ENCODERS["base64"](PNG)
    found = write_images(pd.Series([good, f"{good[:-8]}!!!"]), table, tmp_path, None)
    assert found.missing == ["", "the text in the row is not base64"]


def test_stopped_midway_nothing_is_left_and_progress_counts_rows(tmp_path, table):
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_images(pd.Series([PNG] * 3), table, tmp_path / "cache", stop)
    assert [path.name for path in (tmp_path / "cache" / "unpacked").iterdir() if path.is_dir()] == []
    write_images(pd.Series([PNG] * 3), table, tmp_path / "cache", stop)
    assert seen[2:] == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("values", [["a.png", "b.png"], ["cat", "dog"], ["", ""], ["1234", "abcd"]])
def test_text_is_not_mistaken_for_images(values):
    assert not holds_images(pd.Series(values, dtype=str))
