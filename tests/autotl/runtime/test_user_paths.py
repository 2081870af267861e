"""Paths as people give them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotl.errors import ConfigError
from autotl.runtime.user_paths import (
    as_option,
    expand_home,
    short_name,
    split_names,
    split_order,
    split_paths,
    why_no_file,
)


def test_the_home_folder_is_found_where_no_shell_has_looked_for_it() -> None:
    assert expand_home("~/photos") == Path.home() / "photos"
    assert expand_home(Path("a/~b")) == Path("a/~b")
    with pytest.raises(ConfigError, match="no home folder ~nobody-of-this-name"):
        expand_home("~nobody-of-this-name/x")


def test_a_long_name_is_cut_between_two_characters() -> None:
    assert short_name("short") == "short"
    assert len(short_name("ü" * 250).encode()) <= 200
    assert set(short_name("ü" * 250)) == {"ü"}


def test_names_are_split_at_commas_and_spaces_around_them_do_not_count() -> None:
    assert split_names(" a, b c ,,d,") == ("a", "b c", "d")


def test_an_order_is_split_at_commas_and_a_name_with_a_comma_is_quoted() -> None:
    assert split_order("low, medium ,high") == ("low", "medium", "high")
    assert split_order('"small, round",large') == ("small, round", "large")
    assert split_order("") == ()


@given(st.lists(st.text(st.characters(exclude_categories=("C", "Z"))).filter(bool)))
def test_an_order_that_is_written_is_read(names: list[str]) -> None:
    assert split_order(as_option(names)) == tuple(names)


@pytest.mark.parametrize("text", ['"low,high', 'low,"high" er'])
def test_a_quotation_mark_out_of_place_in_an_order_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="names that have a comma in double quotes"):
        split_order(text)


def test_a_comma_in_the_path_of_a_file_does_not_split_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("a, b").mkdir()
    for name in ("a, b/net.onnx", "x,y,z.onnx", "z.onnx"):
        Path(name).touch()
    assert split_paths("lite0, a, b/net.onnx,lite1") == ("lite0", "a, b/net.onnx", "lite1")
    assert split_paths("~/x,y,z.onnx,z.onnx") == ("~/x,y,z.onnx", "z.onnx")
    assert split_paths("~no-such-user/x,z.onnx") == ("~no-such-user/x", "z.onnx")
    long = "n" * 300
    assert split_paths(f"{long},a\0b,gone.onnx,,") == (long, "a\0b", "gone.onnx")


def test_what_is_in_the_place_of_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("gone")
    (tmp_path / "circle").symlink_to("circle")
    assert why_no_file(tmp_path / "file") == ""
    assert why_no_file(tmp_path / "nothing") == ""
    assert why_no_file(tmp_path) == f"{tmp_path} is a folder"
    assert why_no_file(tmp_path / "link") == f"{tmp_path / 'link'} is a link to gone, which is not there"
    assert why_no_file(tmp_path / "circle").endswith("which is not there")
    assert why_no_file(Path(os.devnull)) == f"{os.devnull} is a pipe or a device"
