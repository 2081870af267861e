from __future__ import annotations

import base64

import pytest

from autotl.runtime.given_items import file_in_cell

FILE = b"GIF89a and more of it"


@pytest.mark.parametrize(
    "cell",
    [FILE, bytearray(FILE), memoryview(FILE), base64.b64encode(FILE).decode(), base64.encodebytes(FILE * 9).decode()],
    ids=["bytes", "bytearray", "memoryview", "base64", "base64 in lines"],
)
def test_a_cell_holds_a_file_as_bytes_or_in_base64(cell: object) -> None:
    assert file_in_cell(cell) in (FILE, FILE * 9)


@pytest.mark.parametrize("cell", ["photo.jpg", None, 3.5, float("nan")])
def test_anything_else_is_nothing_that_a_decoder_takes(cell: object) -> None:
    assert file_in_cell(cell) in (b"", b"text that is not base64")
