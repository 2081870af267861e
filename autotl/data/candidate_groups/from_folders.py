"""Candidates from folders: those below the class, above it, or beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from autotl.data.candidate_groups.candidate import GroupCandidate, make_candidate
from autotl.targets import SEPARATOR, applying_labels

_PARTS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}


def by_folders(items: pd.DataFrame) -> Iterator[GroupCandidate]:
    """Each level of folders that is not the class, the one nearest to the images first: by name, and by whole path."""
    folders = items["path"].str.split("/").str[:-1]
    deepest = int(folders.str.len().max() or 0)
    labels = items["label"].str.lower()
    for level in range(1, deepest + 1):
        name = folders.str[-level].fillna("")
        is_class = (name.str.lower() == labels) | name.str.lower().isin(_PARTS) | _names_a_label(name, labels)
        if is_class.mean() > 0.5:
            continue
        found = name.where(~is_class, "")
        key = "folder" if level == 1 else f"folder-{level}"
        where = "the folder" if level == 1 else f"the folder {level} levels up"
        yield make_candidate(items, key, found, how=f"{where} that the file is in", of="folder")
        whole = folders.map(lambda parts, level=level: "/".join(parts[: len(parts) - level + 1]))
        whole = whole.where(found != "", "")
        yield make_candidate(
            items, f"{key}-path", whole, how=f"{where} that the file is in, in each class by itself", of="folder"
        )


def _names_a_label(name: pd.Series, labels: pd.Series) -> pd.Series:
    """Whether a folder is called after one of several labels of the item, bool."""
    if not labels.str.contains(SEPARATOR, regex=False).any():
        return pd.Series(False, index=name.index)
    pairs = zip(name.str.lower(), labels, strict=True)
    return pd.Series([one in applying_labels(text) for one, text in pairs], index=name.index)
