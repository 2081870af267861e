"""Paths as people give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotl.errors import ConfigError
from autotl.runtime.user_paths import expand_home, short_name


def test_the_home_folder_is_found_where_no_shell_has_looked_for_it() -> None:
    assert expand_home("~/photos") == Path.home() / "photos"
    assert expand_home(Path("a/~b")) == Path("a/~b")
    with pytest.raises(ConfigError, match="no home folder ~nobody-of-this-name"):
        expand_home("~nobody-of-this-name/x")


def test_a_long_name_is_cut_between_two_characters() -> None:
    assert short_name("short") == "short"
    assert len(short_name("ü" * 250).encode()) <= 200
    assert set(short_name("ü" * 250)) == {"ü"}
