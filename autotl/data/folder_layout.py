"""What the names of folders say about the images in them: their class, and their part of a split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SPLIT_NAMES: Mapping[str, str] = (
    dict.fromkeys(("train", "training", "trn"), "train")
    | dict.fromkeys(("val", "valid", "validation", "dev", "development"), "validation")
    | dict.fromkeys(("test", "testing", "tst", "holdout", "hold-out", "eval", "evaluation"), "test")
)
"""Common names of the parts of a split, in lower case, and the names used here."""
UNLABELLED = frozenset({"unlabelled", "unlabeled", "_unlabelled", "_unlabeled"})


@dataclass(frozen=True)
class FolderNames:
    """What the names of folders say about the images in them.

    labels, splits: one per path, empty where there is none; splits: train, validation or test.
    split_by: the folders that make up a split, such as "folders train and test"; empty where there is none.
    layout: how the folders were understood, in a sentence.
    """

    labels: list[str]
    splits: list[str]
    split_by: str
    layout: str


def read_folders(paths: Iterable[str]) -> FolderNames:
    """Read classes and split from folders: one folder per class, inside or around the folders of a split if any.

    paths: of the images, relative and posix.
    """
    folders = [path.split("/", 2)[:-1] for path in paths]
    depth = _depth_of_splits(folders)
    named = [names[depth] if depth is not None and len(names) > depth else "" for names in folders]
    splits = [SPLIT_NAMES.get(name.lower(), "") for name in named]
    labels = [
        _label(names[1:] if depth == 0 and split else names) for names, split in zip(folders, splits, strict=True)
    ]
    order = list(SPLIT_NAMES)
    parts = sorted(
        {name for name, split in zip(named, splits, strict=True) if split}, key=lambda n: order.index(n.lower())
    )
    labelled = {names[0] for names, label in zip(folders, labels, strict=True) if label}
    split_by = f"folder{'s'[: len(parts) > 1]} {_enumeration(parts)}" if parts else ""
    return FolderNames(labels, splits, split_by, _layout(split_by, parts, labelled, within_classes=depth == 1))


def are_splits(folders: set[str]) -> bool:
    """Whether folders are the parts of a split, apart from a folder of unlabelled images."""
    names = {folder.lower() for folder in folders} - UNLABELLED
    return bool(names) and names <= SPLIT_NAMES.keys()


def _depth_of_splits(folders: Sequence[Sequence[str]]) -> int | None:
    """Whether the outer folders are parts of a split (0), or those within every class (1)."""
    tops = {names[0] for names in folders if names}
    if are_splits(tops):
        return 0
    inner = [names for names in folders if len(names) > 1 and names[0].lower() not in UNLABELLED]
    everywhere = {top for top in tops if top.lower() not in UNLABELLED} == {names[0] for names in inner}
    return 1 if everywhere and are_splits({names[1] for names in inner}) else None


def _label(names: Sequence[str]) -> str:
    return names[0] if names and names[0].lower() not in UNLABELLED else ""


def _layout(split_by: str, parts: Sequence[str], labelled: set[str], *, within_classes: bool) -> str:
    if not parts:
        return "one sub-folder per class" if labelled else "images without class folders"
    if within_classes:
        return f"one sub-folder per class, each with {split_by}"
    if labelled >= set(parts):
        return f"{split_by}, {'each ' * (len(parts) > 1)}with one sub-folder per class"
    if not labelled:
        return f"{split_by}, without class folders"
    return f"{split_by}, one sub-folder per class in {_enumeration([name for name in parts if name in labelled])}"


def _enumeration(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
