"""The order of the classes belongs to the data: it only grows, and nobody's key changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autotl.data.class_order import extend_order, order_file, read_order
from autotl.errors import DatasetError


@pytest.fixture
def patch(tmp_path: Path) -> Path:
    return tmp_path / "pets.patch.csv"


def test_new_classes_go_to_the_end_and_no_class_moves(patch: Path, tmp_path: Path) -> None:
    assert read_order(patch) == ()
    assert extend_order(patch, ["cat", "dog"], cache=tmp_path / "cache") == ("cat", "dog")
    assert extend_order(patch, ["ant", "dog"], cache=tmp_path / "cache") == ("cat", "dog", "ant")
    assert extend_order(patch, [], cache=tmp_path / "cache") == read_order(patch) == ("cat", "dog", "ant")
    assert order_file(patch) == tmp_path / "pets.classes.json"


@pytest.mark.parametrize("name", ["a,b", "ü ñ", "two\nlines", '"', " space ", "\\", "🐈", "[]"])
def test_any_name_is_kept_as_it_is(name: str, patch: Path, tmp_path: Path) -> None:
    extend_order(patch, [name, "z"], cache=tmp_path / "cache")
    assert read_order(patch) == (name, "z")


def test_windows_that_add_classes_at_once_lose_none(patch: Path, tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: extend_order(patch, [name], cache=tmp_path / "cache"), names))
    assert sorted(read_order(patch)) == sorted(names)


@pytest.mark.parametrize("text", ["{", "3", '{"a": 1}', '["a", 1]', '[""]'])
def test_a_damaged_file_is_said_and_stays(text: str, patch: Path, tmp_path: Path) -> None:
    order_file(patch).write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match="cannot be read as the order of the classes"):
        extend_order(patch, ["cat"], cache=tmp_path / "cache")
    assert order_file(patch).read_text(encoding="utf-8") == text
