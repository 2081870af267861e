"""A message lists the first few names and counts the rest; a number has its noun."""

from __future__ import annotations

from autotl.runtime.wording import counted, listed


def test_a_long_list_of_names_is_cut_and_counted():
    assert listed(["a", "b"]) == "a, b"
    assert listed(range(400)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 390 more"
    assert listed(iter("abcd"), most=2) == "a, b and 2 more"


def test_one_thing_is_not_spoken_of_in_the_plural():
    assert [counted(n, "image") for n in (0, 1, 2, 1797)] == ["0 images", "1 image", "2 images", "1,797 images"]
    assert counted(2, "class", "classes") == "2 classes"
