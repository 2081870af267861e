"""The mapping of a dataset's folders to classes, kept in the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autotl.data.archives.unpack import is_archive, unpack
from autotl.data.folder_mapping import LABEL_COLUMN, FolderTree, carry_decisions, read_folder_tree, write_mapping
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.workspace import Workspace


def read_tree(workspace: Workspace, data_set: DataSet) -> FolderTree:
    """The folders of a dataset; an archive is unpacked into the workspace. Raises DatasetError if it is damaged."""
    path = data_set.origin or data_set.path
    if path.is_file():
        folder = workspace.data / data_set.name / "unpacked"
        if not folder.is_dir() and is_archive(path):
            unpack(path, folder)
        path = folder if folder.is_dir() else path.parent
    return read_folder_tree(path)


def map_folders(
    workspace: Workspace,
    data_set: DataSet,
    tree: FolderTree,
    classes: Mapping[str, str],
    *,
    excluded: Sequence[str] = (),
) -> DataSet:
    """Give the images of each folder a class, and exclude some folders; see `write_mapping`.

    From now on the dataset is a table of labels in the workspace. Earlier decisions stay.
    """
    table = workspace.data / f"{data_set.name}.labels.csv"
    workspace.data.mkdir(parents=True, exist_ok=True)
    write_mapping(table, tree, classes, excluded=excluded, beside=workspace.data)
    if not data_set.origin:
        carry_decisions(data_set.patch_file, table, root=tree.root, beside=workspace.data)
    origin = data_set.origin or data_set.path
    mapped = replace(data_set, path=table, label=LABEL_COLUMN, origin=origin, patch=None)
    save_data_set(workspace, mapped)
    return mapped


def unmap(workspace: Workspace, data_set: DataSet) -> None:
    """Read the folders as they are again."""
    if data_set.origin:
        save_data_set(workspace, replace(data_set, path=data_set.origin, label=None, origin=None))
