"""Which file names are successive."""

from __future__ import annotations

import pytest

from autotl.data.sequences import successive_names


def pairs(*paths):
    return [(paths[a], paths[b]) for a, b in successive_names(paths)]


def test_frames_are_in_the_order_of_their_numbers_in_any_order_of_the_files():
    assert pairs("walk-10.png", "walk-8.png", "walk-9.png") == [
        ("walk-8.png", "walk-9.png"),
        ("walk-9.png", "walk-10.png"),
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/1.png", "a/2.png"),
        ("a/frame 001.png", "a/frame 003.png"),  # every second one
        ("a/frame-9.png", "a/frame-10.png"),
        ("2024-run-5-left.jpg", "2024-run-6-left.jpg"),
        ("/abs/7.png", "/abs/8.png"),
        ("猫٣.png", "猫٤.png"),  # digits of any script
    ],
)
def test_names_whose_numbers_differ_by_one_or_two_are_successive(first, second):
    assert pairs(first, second) == [(first, second)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/1.png", "a/4.png"),
        ("a/1.png", "b/2.png"),  # another folder
        ("run1/left.png", "run2/left.png"),  # the number is not the file's
        ("a/1.png", "a/2.jpg"),
        ("a/walk-1.png", "a/jump-2.png"),
        ("a/1-left.png", "a/2-right.png"),
        ("a/take1-7.png", "a/take2-8.png"),  # only the last number may differ
        ("a/left.png", "a/right.png"),
    ],
)
def test_other_names_are_not_successive(first, second):
    assert pairs(first, second) == []


@pytest.mark.parametrize("paths", [(), ("1.png",), ("one.png", "two.png")])
def test_without_a_sequence_there_are_no_pairs(paths):
    assert successive_names(paths).shape == (0, 2)
