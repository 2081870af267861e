"""The user may say which folders are the classes."""

from __future__ import annotations

import pytest

from autotl.data.named_classes import read_named_classes
from autotl.data.source import open_source
from autotl.errors import DatasetError

SITES = [f"{part}/{site}/{label}/1.png" for part in ("train", "test") for site in "AB" for label in ("cat", "dog")]


def test_the_named_folders_are_the_classes_wherever_they_are_and_others_give_the_split():
    names = read_named_classes([*SITES, "train/A/0.png"], ("cat", "dog"))
    assert names.labels == [*(path.split("/")[2] for path in SITES), ""]
    assert names.splits == [*(path.split("/")[0] for path in SITES), "train"]
    assert names.layout.endswith("split by the folders test and train; 1 unlabelled image in train/A")


def test_a_class_may_be_called_like_a_part_of_a_split():
    names = read_named_classes(["OK/1.png", "NG/1.png", "test/1.png", "new/1.png"], ("OK", "NG", "test"))
    assert (names.labels, set(names.splits)) == (["OK", "NG", "test", ""], {""})


def test_a_name_that_no_folder_has_is_an_error_that_lists_the_folders(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").touch()
    with pytest.raises(DatasetError, match=r"called 'Cat', which --classes names; the folders are called cat\."):
        open_source(tmp_path, classes=("Cat",), cache=tmp_path)
    (tmp_path / "labels.csv").write_text("path,label\ncat/1.png,a\n")
    with pytest.raises(DatasetError, match=r"labels.csv is a table"):
        open_source(tmp_path / "labels.csv", classes=("cat",), cache=tmp_path)
