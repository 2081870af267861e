"""A path of another machine is the file with its longest ending, where that is only one."""

from __future__ import annotations

import pytest

from autotl.data.path_endings import PathEndings, found_by_name_only

FILES = ["cat/000.png", "dog/000.png", "dog/only.png", "train/fox/1.png", "train/fox/2.png", "test/fox/2.png"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("home/x/pets/cat/000.png", ["cat/000.png"]),
        ("D:/pets/dog/000.png", ["dog/000.png"]),
        ("data/cat/000.png", ["cat/000.png"]),
        ("data/cat/000", ["cat/000.png"]),
        ("https://host/a/train/fox/1.png", ["train/fox/1.png"]),
        ("PETS/Cat/000.PNG", ["cat/000.png"]),
        ("x/only.png", ["dog/only.png"]),
        ("train/1.png", ["train/fox/1.png"]),
        # Several files: it is not guessed.
        ("x/000.png", ["cat/000.png", "dog/000.png"]),
        ("x/fox/2.png", ["train/fox/2.png", "test/fox/2.png"]),
        # The data have this folder, and the file is not in it.
        ("cat/only.png", []),
        ("x/cat/only.png", []),
        ("test/fox/1.png", []),
        ("x/none.png", []),
    ],
)
def test_the_longest_ending_that_names_a_file_counts(wanted, found):
    assert PathEndings(FILES, FILES).find(wanted) == found


def test_upper_and_lower_case_count_where_files_differ_in_nothing_else():
    files = ["a/X.png", "a/x.png", "A/y.png"]
    assert PathEndings(files, files).find("b/a/X.png") == ["a/X.png"]
    assert PathEndings(files, files).find("b/a/Y.PNG") == ["A/y.png"]
    assert PathEndings(files, files).find("b/a/X.PNG") == ["a/X.png", "a/x.png"]


def test_a_name_alone_is_not_enough_where_other_paths_share_a_folder():
    found = {"pets/cat/1.png": "cat/1.png", "pets/cow/2.png": "dog/2.png", "3.png": "dog/3.png", "x/4.png": None}
    assert found_by_name_only(found) == {"pets/cow/2.png"}
    assert found_by_name_only({"x/1.png": "images/1.png", "y/2.png": "images/2.png"}) == set()
