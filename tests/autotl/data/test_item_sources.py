"""Source folders around that of the class are found, kinds of a class are not taken for sources."""

from __future__ import annotations

import pandas as pd
import pytest
from PIL import ExifTags, Image

from autotl.data.item_sources import cameras, source_folders


def items(*paths_and_labels):
    """A table of images; of each path five."""
    rows = [(f"{folder}/{i}.png", label) for folder, label in paths_and_labels for i in range(5)]
    return pd.DataFrame(rows, columns=["path", "label_given"])


def test_a_folder_above_the_class_is_a_source():
    table = items(("north/cat", "cat"), ("south/cat", "cat"), ("north/dog", "dog"), ("south/dog", "dog"))
    found = source_folders(table)
    assert list(found) == ["folder above the class"]
    assert list(found["folder above the class"][::5]) == ["north", "south", "north", "south"]


def test_a_folder_below_the_class_is_a_source_where_classes_share_it():
    table = items(("cat/a", "cat"), ("cat/b", "cat"), ("dog/a", "dog"), ("dog/b", "dog"))
    assert list(source_folders(table)) == ["folder below the class"]


def test_kinds_of_a_class_and_parts_of_a_split_are_no_sources():
    kinds = items(("cat/persian", "cat"), ("cat/siamese", "cat"), ("dog/poodle", "dog"), ("dog/collie", "dog"))
    parts = items(("train/cat", "cat"), ("test/cat", "cat"), ("train/dog", "dog"), ("test/dog", "dog"))
    assert not source_folders(kinds)
    assert not source_folders(parts)


def test_where_a_table_gives_the_classes_folders_are_sources_unless_they_are_the_classes():
    sites = items(("north", "1"), ("south", "1"), ("north", "2"), ("south", "2"))
    assert list(source_folders(sites)) == ["source folder"]
    assert not source_folders(items(("cats", "1"), ("dogs", "2")))


@pytest.mark.parametrize("known", [True, False])
def test_cameras_are_read_where_files_name_them(tmp_path, known):
    exif = Image.Exif()
    if known:
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Acme", "One"
    for i in range(4):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{i}.jpg", exif=exif)
    found = cameras(pd.DataFrame({"path": [f"{i}.jpg" for i in range(4)]}), tmp_path)
    assert (found is None) if not known else list(found) == ["Acme One"] * 4
