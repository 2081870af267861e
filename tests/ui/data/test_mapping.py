"""Folders mapped to classes by hand: what the core then reads, and that decisions stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from autotl.data.folder_mapping import classes_by_level
from autotl.data.patch import Decision, patch_file, read_patch, write_patch
from autotl.data.source import open_source
from autotl_ui.data.mapping import map_folders, read_tree, unmap
from autotl_ui.workspace.data_sets import DataSet, find_data_set, save_data_set
from autotl_ui.workspace.workspace import Workspace

IMAGES = ("a/x/1.png", "a/y/1.png", "b/x/1.png", "loose.png")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "mine")


def make(folder: Path, workspace: Workspace) -> DataSet:
    for name in IMAGES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(folder / name)
    data_set = DataSet("pets", "pets", folder)
    save_data_set(workspace, data_set)
    return data_set


def labels(data_set: DataSet, cache: Path) -> dict[str, str]:
    source = open_source(data_set.path, label=data_set.label, cache=cache)
    files = [(source.root / path).resolve() for path in source.table["path"]]
    return {
        "/".join(file.parts[-3:]): label for file, label in zip(files, source.table["label"], strict=True)
    }  # fmt: skip


def test_a_level_of_folders_names_the_classes(workspace: Workspace, tmp_path: Path) -> None:
    data_set = make(workspace.data / "pets", workspace)
    tree = read_tree(workspace, data_set)
    assert tree.levels == 2
    assert tree.names(1) == ["x", "y"]
    mapped = map_folders(workspace, data_set, tree, classes_by_level(tree, 1), excluded=[""])
    assert labels(mapped, tmp_path / "c") == {"a/x/1.png": "x", "a/y/1.png": "y", "b/x/1.png": "x"}
    assert find_data_set(workspace, "pets") == mapped
    unmap(workspace, mapped)
    assert find_data_set(workspace, "pets") == data_set


def test_a_mapping_of_a_folder_elsewhere_names_its_files_whole(workspace: Workspace, tmp_path: Path) -> None:
    data_set = make(tmp_path / "else where", workspace)
    tree = read_tree(workspace, data_set)
    mapped = map_folders(workspace, data_set, tree, {"a/x": "one", "a/y": " two "})
    found = labels(mapped, tmp_path / "c")
    assert (found["a/x/1.png"], found["a/y/1.png"], found["b/x/1.png"]) == ("one", "two", "")
    assert mapped.path.parent == workspace.data


def test_an_uploaded_workspace_may_be_moved(workspace: Workspace, tmp_path: Path) -> None:
    data_set = make(workspace.data / "pets", workspace)
    tree = read_tree(workspace, data_set)
    map_folders(workspace, data_set, tree, classes_by_level(tree, 0))
    workspace.root.rename(tmp_path / "moved")
    moved = find_data_set(Workspace(tmp_path / "moved"), "pets")
    assert labels(moved, tmp_path / "c")["b/x/1.png"] == "b"


def test_decisions_made_before_stay(workspace: Workspace) -> None:
    data_set = make(workspace.data / "pets", workspace)
    write_patch(patch_file(data_set.path), [Decision("exclude", "a/x/1.png", note="blurred")])
    tree = read_tree(workspace, data_set)
    mapped = map_folders(workspace, data_set, tree, classes_by_level(tree, 1))
    assert read_patch(patch_file(mapped.path)) == (Decision("exclude", "pets/a/x/1.png", note="blurred"),)
