"""A message lists the first few names and counts the rest."""

from __future__ import annotations

from autotl.runtime.wording import listed


def test_a_long_list_of_names_is_cut_and_counted():
    assert listed(["a", "b"]) == "a, b"
    assert listed(range(400)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 390 more"
    assert listed(iter("abcd"), most=2) == "a, b and 2 more"
