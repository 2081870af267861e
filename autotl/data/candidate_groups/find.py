"""All candidate groupings of a dataset, the most plausible first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from autotl.data.candidate_groups.candidate import GroupCandidate, items_of, make_candidate, plausible
from autotl.data.candidate_groups.from_columns import by_columns
from autotl.data.candidate_groups.from_email import by_email
from autotl.data.candidate_groups.from_exif import by_exif
from autotl.data.candidate_groups.from_folders import by_folders
from autotl.data.candidate_groups.from_names import by_stems, by_words_for_groups
from autotl.data.candidate_groups.near_duplicates import by_near_duplicates
from autotl.data.dataset import Dataset
from autotl.data.item_files import by_files
from autotl.data.item_kinds import TEXTS, kind_of_files
from autotl.targets import CLASSES, LABELS, NUMBER, Kind, Target, classes_in, encode

_NAME = re.compile(r"[a-z][-a-z0-9]*")


def candidate_groups(dataset: Dataset, *, only_decisive: bool = False) -> list[GroupCandidate]:
    """The groupings that are worth a measurement, near-duplicates last; none that say the same.

    only_decisive: none where there are but near-duplicates, which every split keeps apart anyway.
    """
    found = plausible(_inferred(dataset.items, dataset.root), dataset.labels)
    if only_decisive and not found:
        return []
    return plausible([*found, by_near_duplicates(dataset)], dataset.labels)


def candidates_to_measure(
    dataset: Dataset, named: str | None, *, only_decisive: bool = False
) -> list[GroupCandidate]:  # fmt: skip
    """The groups that the user named, where there are any that can be measured, or else the candidates."""
    if named is None:
        return candidate_groups(dataset, only_decisive=only_decisive)
    if found := _by_name(named, dataset.items, dataset.root):
        return plausible([replace(found, named=True)], dataset.labels)
    found = make_candidate(dataset.items, named, dataset.items["group"], how="the groups that were named", of="group")
    return plausible([replace(found, named=True)], dataset.labels)


def group_by_name(name: str, items: pd.DataFrame, root: Path, kind: Kind = CLASSES) -> pd.Series | None:
    """Return the groups of the candidate with this name, even if it is not plausible, or None if no candidate has it.

    items: path, label and attribute columns of the images that can be opened; the result has its index. kind: of the
    target. Images of a class that has too few groups have none, or the class could not be divided.
    """
    found = _by_name(name, items, root)
    if found is None:
        return None
    texts = items["label"].to_numpy(dtype=str)
    kind = kind if kind in (LABELS, NUMBER) else CLASSES
    labels = encode(Target(kind=kind, classes=classes_in(kind, texts)), texts)
    without = items_of(labels, found.unanswerable(labels))
    return pd.Series(found.group, index=items.index, dtype=str).where(~without, "")


def _by_name(name: str, items: pd.DataFrame, root: Path) -> GroupCandidate | None:
    if not _NAME.fullmatch(name):  # a regular expression, say
        return None
    return next((one for one in _inferred(items, root) if one.name == name), None)


def _inferred(items: pd.DataFrame, root: Path) -> Iterator[GroupCandidate]:
    items, root = by_files(items, root)
    yield from by_words_for_groups(items)
    yield from by_columns(items)
    yield from (by_email if kind_of_files(items["path"]) is TEXTS else by_exif)(items, root)
    yield from by_folders(items)
    yield from by_stems(items)
