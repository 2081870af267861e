"""A new table is read by the columns that are asked for, else by those that the model learned from, if it has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.data.modalities import common_kind
from autotl.data.usual_columns import UsualColumns

USUAL = UsualColumns("description", "photo")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "new.csv").write_text("description,front\na text,a.png\n")
    return tmp_path / "new.csv"


@pytest.mark.parametrize(
    ("text", "image", "expected"),
    [
        (None, None, UsualColumns("description", None)),
        (None, "front", UsualColumns("description", "front")),
        ("remark", None, UsualColumns("remark", None)),
        ("remark", "front", UsualColumns("remark", "front")),
    ],
)
def test_what_is_asked_for_comes_first_then_what_is_usual_and_there(
    table: Path, text: str | None, image: str | None, expected: UsualColumns
) -> None:
    assert USUAL.of(table, text=text, image=image) == expected


def test_that_images_are_left_out_is_usual_for_any_table(table: Path) -> None:
    assert UsualColumns("remark", "none").of(table, text=None, image=None) == UsualColumns(None, "none")


def test_what_is_no_table_has_no_columns(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.csv", tmp_path / "a.png"):
        assert USUAL.of(path, text=None, image=None) == UsualColumns()


@pytest.mark.parametrize(
    ("kinds", "common"),
    [
        (["image", "image"], "image"), (["text"], "text"), (["image", "text"], "pair"), (["pair", "text"], "pair"),
        (["pair", "other"], ""),
    ],
)  # fmt: skip
def test_models_of_parts_and_of_the_whole_are_given_the_whole(kinds: list[str], common: str) -> None:
    assert common_kind(kinds) == common
