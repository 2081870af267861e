"""Folders are mapped to classes by a table of labels, which names files relatively where it can."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from autotl.data.folder_mapping import FolderTree, carry_decisions, classes_by_level, count_classes, read_folder_tree
from autotl.data.folder_mapping import write_mapping as write
from autotl.data.patch import Decision, patch_file, read_patch, write_patch

IMAGES = ("a/x/1.png", "a/y/1.png", "b/x/1.png", "loose.png")


@pytest.fixture
def tree(tmp_path: Path) -> FolderTree:
    for name in IMAGES:
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "pets" / name)
    (tmp_path / "pets" / "a" / "notes.txt").write_text("no image")
    return read_folder_tree(tmp_path / "pets")


def test_a_level_names_the_classes_and_folders_above_it_have_none(tree: FolderTree) -> None:
    assert tree.folders == {"": 1, "a/x": 1, "a/y": 1, "b/x": 1}
    assert (tree.levels, tree.names(0), tree.names(1)) == (2, ["a", "b"], ["x", "y"])
    classes = classes_by_level(tree, 1)
    assert classes == {"": "", "a/x": "x", "a/y": "y", "b/x": "x"}
    assert count_classes(tree, classes, []) == ({"x": 2, "y": 1}, 1, 0)
    assert count_classes(tree, classes, ["", "a/y"]) == ({"x": 2}, 0, 2)


@pytest.mark.parametrize("inside", [True, False])
def test_paths_are_relative_where_table_and_images_share_a_folder(
    inside: bool, tree: FolderTree, tmp_path: Path
) -> None:
    beside = tmp_path if inside else tmp_path / "elsewhere"
    beside.mkdir(exist_ok=True)
    write(beside / "t.csv", tree, {"a/x": " one ", "b/x": "two"}, excluded=["a/y"], beside=beside)
    root = "pets" if inside else tree.root
    expected = ["path,label", f"{root}/a/x/1.png,one", f"{root}/b/x/1.png,two", f"{root}/loose.png,"]
    assert (beside / "t.csv").read_text().splitlines() == expected


def test_decisions_are_carried_once_and_merges_are_not(tree: FolderTree, tmp_path: Path) -> None:
    old, table = patch_file(tree.root), tmp_path / "t.csv"
    write_patch(old, [Decision("exclude", "a/x/1.png", note="blurred"), Decision("merge", "x", "y")])
    carry_decisions(old, table, root=tree.root, beside=tmp_path)
    carried = (Decision("exclude", "pets/a/x/1.png", note="blurred"),)
    assert read_patch(patch_file(table)) == carried
    write_patch(old, [Decision("exclude", "loose.png")])
    carry_decisions(old, table, root=tree.root, beside=tmp_path)
    assert read_patch(patch_file(table)) == carried
