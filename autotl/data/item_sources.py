"""Sources of images, as far as their files reveal them: the folders around the class folder, and the camera."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from autotl.data.candidate_groups.from_exif import read_exif

_NEARLY_ALL = 0.9
_FEWEST_EACH = 3
"""Folders with fewer images are merged into one source: each of them has too few images to be learned."""
_PARTS = frozenset(("train", "training", "val", "valid", "validation", "test", "testing"))


def source_folders(items: pd.DataFrame) -> Mapping[str, np.ndarray]:
    """By level, the name of each item's folder other than its class folder, text (n,).

    items: with the columns path and label_given. Levels are counted from the class folder, or from the file if the path
    does not contain the class; in that case a level with one folder per class is taken for the class level. Names of
    the parts of a split are left out. So are levels whose folders mostly hold a single class: such a folder is as
    likely to be a kind of its class as a source of images.
    """
    folders = [path.split("/")[:-1] for path in items["path"]]
    labels = items["label_given"].astype(str).tolist()
    places = [_place_of(parts, label) for parts, label in zip(folders, labels, strict=True)]
    has_class = bool(np.mean([place is not None for place in places]) >= _NEARLY_ALL)
    levels: dict[str, list[str]] = {}
    deepest = max(map(len, folders), default=0)
    for row, (parts, place) in enumerate(zip(folders, places, strict=True)):
        for offset in range(-deepest, deepest + 1):
            level = (len(parts) if place is None else place) + offset
            if offset and 0 <= level < len(parts) and parts[level].lower() not in _PARTS:
                levels.setdefault(_title(offset, has_class), [""] * len(folders))[row] = parts[level]
    found = {}
    for title, names in levels.items():
        kept = _without_rare(np.array(names))
        if _is_shared(kept, np.array(labels)) and (has_class or not _one_each(kept, np.array(labels))):
            found[title] = kept
    return found


def cameras(items: pd.DataFrame, root: Path) -> np.ndarray | None:
    """Make and model of each item's camera, text (n,), empty if unknown; None if hardly any is known."""
    fields = read_exif(items, root, ("Make", "Model"))
    if fields is None:
        return None
    return _without_rare((fields["Make"] + " " + fields["Model"]).str.strip().to_numpy(dtype=str))


def _place_of(parts: list[str], label: str) -> int | None:
    """The level of the deepest folder named after the class."""
    return next((place for place in reversed(range(len(parts))) if parts[place].lower() == label.lower()), None)


def _title(offset: int, has_class: bool) -> str:
    if not has_class:
        return "source folder" if offset == -1 else f"source folder, {-offset - 1} above"
    side, steps = ("below", offset) if offset > 0 else ("above", -offset)
    return f"folder {side} the class" if steps == 1 else f"folder {steps} levels {side} the class"


def _without_rare(names: np.ndarray) -> np.ndarray:
    known, codes, counts = np.unique(names, return_inverse=True, return_counts=True)
    return np.where(counts[codes] < _FEWEST_EACH, "another", known[codes])


def _is_shared(names: np.ndarray, labels: np.ndarray) -> bool:
    """Whether there is more than one folder, and most items are in folders with more than one class."""
    folders, codes = np.unique(names, return_inverse=True)
    several = np.array([len(np.unique(labels[codes == code])) > 1 for code in range(len(folders))])
    return len(folders) > 1 and float(several[codes].mean()) > 0.5


def _one_each(names: np.ndarray, labels: np.ndarray) -> bool:
    """Whether a level has nearly one folder per class."""
    commonest = []
    for label in np.unique(labels):
        values, counts = np.unique(names[labels == label], return_counts=True)
        if counts.max() < _NEARLY_ALL * counts.sum():
            return False
        commonest.append(values[counts.argmax()])
    return len(set(commonest)) == len(commonest)
