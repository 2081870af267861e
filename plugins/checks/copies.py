"""Duplicate images: exact copies, near-duplicates, and copies with contradictory labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import counted
from autotl.targets import KINDS
from autotl_plugins.checks._pairs import members, most_alike_first, named
from autotl_plugins.checks._proposals import excluding

if TYPE_CHECKING:
    import pandas as pd

    from autotl.data.dataset import Dataset

MANY_NEAR_COPIES = 0.05
"""Share of the images above which the dataset is noticeably smaller than it seems."""
COARSE_PIXELS = 32
"""In smaller images different things of one shape look the same, such as two handwritten digits."""
CONFLICTING = 0.7
"""Similarity above which two labels are contradictory; below are frames, and things of one shape and colour."""


def duplicates(dataset: Dataset) -> Iterator[Finding]:
    """Name images with the same bytes."""
    items = dataset.items
    twins = items[items["sha256"].duplicated(keep=False)].sort_values(["sha256", "path"])
    if len(twins):
        others, again = twins[twins["sha256"].duplicated()], twins.duplicated(["sha256", "label"])
        # A copy goes with the one that stays for it; one with another label, with the first of all.
        first, same = (twins.groupby(keys)["path"].transform("first") for keys in ("sha256", ["sha256", "label"]))
        first = first.where(~again, same)
        yield Finding(
            "duplicates",
            "info",
            f"{counted(len(twins), 'image')} are exact copies of another image, such as {twins['path'].iloc[0]} and "
            f"{twins['path'].iloc[1]}; copies stay on one side of every split",
            items=tuple(twins["path"]),
            advice="Remove the copies if they are not meant to count twice.",
            pairs=tuple(zip(first[others.index], others["path"], strict=True)),
            proposals=excluding(twins["path"][again]),
        )


def near_duplicates(dataset: Dataset) -> Iterator[Finding]:
    """Name images that look almost the same without being the same file."""
    pairs = _near_pairs(dataset)
    if not len(pairs):
        return
    paths = dataset.items["path"].to_numpy(dtype=str)
    concerned = members(pairs)
    coarse = "width" in dataset.items and dataset.items[["width", "height"]].min(axis=1).median() < COARSE_PIXELS
    many = len(concerned) > MANY_NEAR_COPIES * len(paths) and not coarse
    mirrored = int(pairs["mirrored"].sum())
    reflected = f", {mirrored:,} of them mirrored" if mirrored else ""
    yield Finding(
        "near-duplicates",
        "warning" if many else "info",
        f"{_alike(len(pairs), dataset)}{reflected} "
        f"({counted(len(concerned), 'image')} in {counted(_n_clusters(pairs), 'group')}), such as "
        f"{paths[concerned[0]]} and {paths[concerned[1]]}",
        items=tuple(paths[concerned]),
        advice=f"They may be different things that look alike, so decide {_each_two(dataset)}. Keeping them all is "
        "fine: such images stay on one side of every split as far as possible.",
        pairs=named(pairs, dataset),
        fixes=(("exclude", str(paths[concerned[0]])),),
    )


def label_conflicts(dataset: Dataset) -> Iterator[Finding]:
    """Name copies and near-duplicates with different labels."""
    items = dataset.items
    pairs = most_alike_first(dataset.pairs)
    pairs = pairs[dataset.labels[pairs["first"]] != dataset.labels[pairs["second"]]]
    same_file = _same_file(pairs, dataset)
    n_labels = items.groupby("sha256")["label"].transform("nunique")
    exact = items[n_labels > 1].sort_values(["sha256", "path"])
    if len(exact):
        first = exact[exact["sha256"] == exact["sha256"].iloc[0]].drop_duplicates("label")
        one, two = first.iloc[0], first.iloc[1]
        yield Finding(
            "label-conflicts",
            "warning",
            f"{counted(len(exact), 'image')} are exact copies with different labels, such as "
            f"{one['path']} ({one['label']}) and {two['path']} ({two['label']})",
            items=tuple(exact["path"]),
            advice="Decide which label is right and exclude the other copy.",
            pairs=named(pairs[same_file], dataset),
            fixes=(("relabel", one["path"], two["label"]), ("exclude", one["path"])),
        )
    pairs = pairs[~same_file & (pairs["similarity"] >= CONFLICTING)]
    if len(pairs):
        one, two = (items.iloc[int(pairs[side].iloc[0])] for side in ("first", "second"))
        yield Finding(
            "label-conflicts",
            "warning",
            f"{_alike(len(pairs), dataset, differ=True)}, such as "
            f"{one['path']} ({one['label']}) and {two['path']} ({two['label']})",
            items=tuple(items["path"].to_numpy(dtype=str)[members(pairs)]),
            advice="Look at them, the most similar come first: correct the label where it is wrong, "
            "keep it where the small difference is what distinguishes the classes.",
            pairs=named(pairs, dataset),
            fixes=(("relabel", one["path"], two["label"]), ("exclude", one["path"])),
        )


def _alike(n: int, dataset: Dataset, *, differ: bool = False) -> str:
    """How many times two items look almost the same. differ: and have different labels."""
    if _is_composed(dataset):  # such items are called pairs, so a pair of them would be misread
        that, have = ("that ", " have different labels") if differ else ("", "")
        return f"two images {that}are almost the same in one of their parts{have} {counted(n, 'time')}"
    if differ:
        alike = f"that look almost the same {'has' if n == 1 else 'have'} different labels"
    else:
        alike = f"{'looks' if n == 1 else 'look'} almost the same"
    return f"{counted(n, 'pair')} of images {alike}"


def _each_two(dataset: Dataset) -> str:
    return "for two of them at a time" if _is_composed(dataset) else "pair by pair"


def _is_composed(dataset: Dataset) -> bool:
    from autotl.data.modalities import modality_named

    return bool(modality_named(dataset.modality).parts)


def _near_pairs(dataset: Dataset) -> pd.DataFrame:
    """The pairs whose files differ, the most similar first."""
    return most_alike_first(dataset.pairs[~_same_file(dataset.pairs, dataset)])


def _same_file(pairs: pd.DataFrame, dataset: Dataset) -> np.ndarray:
    digests = dataset.items["sha256"].to_numpy(dtype=str)
    return np.asarray(digests[pairs["first"]] == digests[pairs["second"]])


def _n_clusters(pairs: pd.DataFrame) -> int:
    from scipy.cluster.hierarchy import DisjointSet

    sets = DisjointSet(members(pairs).tolist())
    for first, second in zip(pairs["first"], pairs["second"], strict=True):
        sets.merge(first, second)
    return int(sets.n_subsets)


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("duplicates", duplicates, targets=KINDS)
    yield Check("near-duplicates", near_duplicates, targets=KINDS)
    yield Check("label-conflicts", label_conflicts)
