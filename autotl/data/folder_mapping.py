"""Folders mapped to classes by hand, where the layout of a dataset is not understood: written as a table of labels."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autotl.data.item_kinds import TEXTS, ItemKind, kind_of_files
from autotl.data.listing import list_files
from autotl.data.patch import Decision, patch_file, read_patch, write_patch
from autotl.runtime.atomic_files import write_atomically

LABEL_COLUMN = "label"


@dataclass(frozen=True)
class FolderTree:
    """The folders that hold images or texts, with the number of these directly in each; "" is the root itself.

    images: paths of all images or texts, relative to the root.
    """

    root: Path
    folders: Mapping[str, int]
    images: Sequence[str]

    @property
    def kind(self) -> ItemKind:
        """The kind of the items."""
        return kind_of_files(self.images)

    @property
    def levels(self) -> int:
        """The number of folders around the most deeply nested image."""
        return max((len(_parts(folder)) for folder in self.folders), default=0)

    def names(self, level: int) -> list[str]:
        """The names of the folders of one level, each once; levels count from 0."""
        return sorted({_parts(folder)[level] for folder in self.folders if len(_parts(folder)) > level})


def read_folder_tree(folder: Path) -> FolderTree:
    """The folders below a folder that hold images, or texts where it has no image.

    Raises DatasetError if they cannot be listed.
    """
    root = folder.resolve()
    images = list_files(root, lenient=True).items or list_files(root, TEXTS, lenient=True).items
    counts = Counter(image.rpartition("/")[0] for image in images)
    return FolderTree(root, dict(sorted(counts.items())), images)


def classes_by_level(tree: FolderTree, level: int) -> dict[str, str]:
    """The class of each folder where the folders of one level name the classes; empty above that level."""
    names = {folder: _parts(folder) for folder in tree.folders}
    return {folder: parts[level] if len(parts) > level else "" for folder, parts in names.items()}


def count_classes(
    tree: FolderTree, classes: Mapping[str, str], excluded: Sequence[str]
) -> tuple[dict[str, int], int, int]:
    """The number of images by class, then of those without a class, then of those in excluded folders."""
    counts = Counter[str]()
    for folder, n in tree.folders.items():
        if folder not in excluded:
            counts[classes.get(folder, "").strip()] += n
    unlabelled = counts.pop("", 0)
    return dict(counts), unlabelled, sum(tree.folders[folder] for folder in excluded)


def write_mapping(
    table: Path, tree: FolderTree, classes: Mapping[str, str], *, excluded: Sequence[str], beside: Path
) -> None:
    """Write a table of labels that gives the images of each folder a class; no file is moved.

    classes: by folder, empty where none is known. excluded: folders whose images are left out of the table.
    beside: images below this folder get a path relative to it, others an absolute one.
    """
    out = set(excluded)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", LABEL_COLUMN])
    for image in tree.images:
        folder = image.rpartition("/")[0]
        if folder not in out:
            writer.writerow([_path_in_table(tree.root / image, beside), classes.get(folder, "").strip()])
    write_atomically(table, text.getvalue().encode())


def carry_decisions(patch: Path, table: Path, *, root: Path, beside: Path) -> None:
    """Copy the decisions about the images below a root to the patch file of a table, unless it has one."""
    decisions = [
        Decision(d.decision, _path_in_table(root / d.item, beside), d.label, d.sha256, d.note)
        for d in read_patch(patch)
        if d.decision != "merge"
    ]
    file = patch_file(table)
    if decisions and not file.exists():
        write_patch(file, decisions)


def _parts(folder: str) -> list[str]:
    """The names of a folder and of those around it."""
    return folder.split("/") if folder else []


def _path_in_table(path: Path, beside: Path) -> str:
    home = beside.resolve()
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
