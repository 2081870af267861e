"""Folders mapped to classes by hand, where the core does not understand them: kept as a table of labels."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autotl.data.archives.unpack import is_archive, unpack
from autotl.data.listing import list_files
from autotl.data.patch import Decision, patch_file, read_patch, write_patch
from autotl.runtime.atomic_files import write_atomically
from autotl_ui.workspace.data_sets import DataSet, save_data_set
from autotl_ui.workspace.workspace import Workspace

MOST_LEVELS = 6
N_NAMED = 4
_LABEL = "label"


@dataclass(frozen=True)
class Tree:
    """The folders below a folder that have pictures in them, and how many each; "" is the folder itself.

    images: every picture's path, relative.
    """

    root: Path
    folders: Mapping[str, int]
    images: Sequence[str]

    @property
    def levels(self) -> int:
        """How many folders deep the pictures lie, at most."""
        return max((len(parts(folder)) for folder in self.folders), default=0)

    def names(self, level: int) -> list[str]:
        """What the folders of a level are called, each once; levels count from 0."""
        found = {parts(folder)[level] for folder in self.folders if len(parts(folder)) > level}
        return sorted(found)


def parts(folder: str) -> list[str]:
    """The names of a folder and those around it."""
    return folder.split("/") if folder else []


def read_tree(workspace: Workspace, data_set: DataSet) -> Tree:
    """The folders of a data set, whatever is in them; an archive is unpacked beside the app's own files.

    Raises DatasetError where it cannot be read.
    """
    path = data_set.origin or data_set.path
    if path.is_file():
        folder = workspace.data / data_set.name / "unpacked"
        if not folder.is_dir() and is_archive(path):
            unpack(path, folder)
        path = folder if folder.is_dir() else path.parent
    root = path.resolve()
    images = list_files(root, lenient=True).images
    return Tree(root, dict(sorted(Counter(image.rpartition("/")[0] for image in images).items())), images)


def classes_by_level(tree: Tree, level: int) -> dict[str, str]:
    """Each folder's class where the folders of one level name the classes; above that level there is none."""
    return {
        folder: names[level] if len(names) > level else ""
        for folder, names in ((folder, parts(folder)) for folder in tree.folders)
    }


def map_folders(
    workspace: Workspace, data_set: DataSet, tree: Tree, classes: Mapping[str, str], *, left_out: Sequence[str] = ()
) -> DataSet:
    """Say which class each folder's pictures have (empty: none is known), and which folders are left out.

    The data set is from now on a table of labels in the workspace; no file is moved. Decisions made before stay.
    """
    table = workspace.data / f"{data_set.name}.labels.csv"
    out = set(left_out)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", _LABEL])
    for image in tree.images:
        folder = image.rpartition("/")[0]
        if folder not in out:
            writer.writerow([_told(tree.root / image, workspace), classes.get(folder, "").strip()])
    workspace.data.mkdir(parents=True, exist_ok=True)
    write_atomically(table, text.getvalue().encode())
    origin = data_set.origin or data_set.path
    if not data_set.origin:
        _carry_decisions(workspace, data_set.patch_file, table, tree.root)
    mapped = replace(data_set, path=table, label=_LABEL, origin=origin, patch=None)
    save_data_set(workspace, mapped)
    return mapped


def unmap(workspace: Workspace, data_set: DataSet) -> None:
    """Read the folders again as the core does."""
    if data_set.origin:
        save_data_set(workspace, replace(data_set, path=data_set.origin, label=None, origin=None))


def _carry_decisions(workspace: Workspace, made: Path, table: Path, root: Path) -> None:
    decisions = [
        Decision(d.decision, _told(root / d.item, workspace), d.label, d.sha256, d.note)
        for d in read_patch(made)
        if d.decision != "merge"
    ]
    file = patch_file(table)
    if decisions and not file.exists():
        write_patch(file, decisions)


def _told(path: Path, workspace: Workspace) -> str:
    """A picture's path as the table has it: relative to the table where both lie in the workspace."""
    home = workspace.data.resolve()
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
