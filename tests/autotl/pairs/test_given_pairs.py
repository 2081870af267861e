"""Pairs are taken in whatever form they are at hand, and what is no pair is refused by its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pair_models import photo
from PIL import Image

from autotl.pairs.given_pairs import given_pairs, open_pair
from autotl.pairs.pair_files import UnreadablePair, held_parts, named_parts

SHOWN = photo(200)


@pytest.mark.parametrize(
    "one",
    [
        (SHOWN, "good"),
        {"image": SHOWN, "text": "good"},
        (Image.new("RGB", (4, 4)), "good"),
        (np.zeros((4, 4), np.uint8), "good"),
        ("a photo.png", "good"),
        held_parts(SHOWN, "good"),
        "a.pair",
        Path("a.pair"),
    ],
)
def test_one_pair_is_one_item_alone_or_in_a_list(one: object) -> None:
    [alone] = given_pairs(one)
    [listed] = given_pairs([one])
    assert alone.name == listed.name
    assert alone.problem == listed.problem == ""


def test_a_pair_is_named_by_its_path_or_its_place() -> None:
    given = given_pairs([
        ("photo.png", "good"), (SHOWN, "good"), (Path("other.png"), Path("a.txt")), "x.pair", [SHOWN, "good"]
    ])  # fmt: skip
    assert [one.name for one in given] == ["photo.png", "item 1", "other.png", "x.pair", "item 4"]


def test_a_table_has_a_pair_in_each_row_by_its_two_columns() -> None:
    table = pd.DataFrame({"price": [1, 2], "text": ["good", None], "image": ["a.png", "b.png"]}, index=["x", "y"])
    first, second = given_pairs(table)
    image, text = open_pair(first)
    assert (image.image, text.text) == ("a.png", "good")
    assert (second.name, second.problem) == ("b.png", "its text: it is missing")
    rows = given_pairs(table[["image", "text"]].to_numpy())
    assert rows == [first, second]
    with pytest.raises(TypeError, match="a table without the column 'image'"):
        given_pairs(table.drop(columns="image"))


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (7, r"items\[1\] is a int; expected an image and its text"),
        (Image.new("L", (2, 2)), r"items\[1\] is a Image; expected"),
        ((SHOWN, "good", "more"), r"items\[1\] is a tuple"),
        ((SHOWN, 7), r"the text of items\[1\] is a int; expected a text"),
        ((object(), "good"), r"the image of items\[1\] is an object"),
        ({"image": SHOWN}, r"items\[1\] has no 'text'"),
    ],
)
def test_what_is_no_pair_is_refused_by_its_place(thing: object, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        given_pairs([(SHOWN, "good"), thing])


@pytest.mark.parametrize(
    ("thing", "problem"),
    [
        (None, "it is missing"), (np.nan, "it is missing"), (pd.NA, "it is missing"), ("", "its path is empty"),
        ((None, "good"), "its image: it is missing"), ((SHOWN, np.nan), "its text: it is missing"),
        (("", "good"), "its image: its path is empty"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_and_the_others_stay(thing: object, problem: str) -> None:
    given = given_pairs([(SHOWN, "good"), thing])
    assert [one.problem for one in given] == ["", problem]


def test_the_file_of_a_pair_names_its_parts_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "a.pair").write_bytes(named_parts("images/a.png", "a.txt"))
    image, text = open_pair(given_pairs(tmp_path / "a.pair")[0])
    assert (image.image, text.text) == (str(tmp_path / "images" / "a.png"), tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["photo.jpg", "note.txt", "listing", "nul\0.jpg"])
def test_a_part_alone_says_how_a_pair_is_given(name: str) -> None:
    with pytest.raises(UnreadablePair, match=r"not a \.pair file.* a table with a column of images and a column of"):
        open_pair(given_pairs(name)[0])
