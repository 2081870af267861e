"""A file name cannot become a formula, and stays the name of the same file."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.data.spreadsheet_paths import unlike_formula


@pytest.mark.parametrize(
    "name", ["=1+1.png", "+a.png", "-a.png", "@SUM(A1).png", "\t=1.png", "\r=1.png", "\uff1d1.png"]
)
def test_a_name_that_begins_like_a_formula_gets_the_folder_it_is_in(name: str) -> None:
    assert unlike_formula(name) == f"./{name}"
    assert Path(unlike_formula(name)) == Path(name)


@pytest.mark.parametrize("name", ["a=1.png", "cats/-1.png", "/photos/=1.png", "./=1.png", "C:\\=1.png", "", " =1.png"])
def test_any_other_path_stays_as_it_is(name: str) -> None:
    assert unlike_formula(name) == name
