"""A message lists the first few names and counts the rest; a number has its noun."""

from __future__ import annotations

import re

from imports import MODULES, ROOT

from autotl.runtime.wording import counted, listed, lower_by, percent


def test_a_long_list_of_names_is_cut_and_counted():
    assert listed(["a", "b"]) == "a, b"
    assert listed(range(400)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 390 more"
    assert listed(iter("abcd"), most=2) == "a, b and 2 more"


def test_one_thing_is_not_spoken_of_in_the_plural():
    assert [counted(n, "image") for n in (0, 1, 2, 1797)] == ["0 images", "1 image", "2 images", "1,797 images"]
    assert counted(2, "class", "classes") == "2 classes"


def test_a_share_has_a_space_before_its_sign():
    assert [percent(0.95), percent(0.125, 1)] == ["95 %", "12.5 %"]


def test_what_has_risen_is_not_called_lower():
    assert [lower_by(0.95), lower_by(-0.05), lower_by(0.0)] == ["95 % lower", "5 % higher", "as before"]
    assert [lower_by(0.123, 1), lower_by(-0.0004, 2)] == ["12.3 % lower", "0.04 % higher"]
    assert lower_by(-0.0004) == "as before"


def test_no_module_formats_a_share_without_the_space():
    for path in MODULES.values():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not re.search(r":[^{}]*\.\d%\}", line), f"{path.relative_to(ROOT)}:{number}: write `percent` instead"
