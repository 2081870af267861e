"""Classes that are left out because they have too few images to learn from: the option `--min-per-class`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from autotl.data.dataset import Dataset
from autotl.data.item_kinds import ItemKind
from autotl.data.note import Note
from autotl.data.patch import EXCLUDED_CLASS
from autotl.data.split import undividable_classes
from autotl.errors import DatasetError
from autotl.runtime.wording import counted, listed


def without_small_classes(dataset: Dataset, min_images: int, *, seed: int) -> Dataset:
    """The dataset without the classes that have too few images, which are excluded by name.

    min_images: usable images that each class needs. Left out as well are classes whose images are all copies or members
    of one or two groups, so that they cannot be divided into training and test. Raises DatasetError if fewer than
    two classes have enough images.
    """
    kind = dataset.item_kind
    counts = dataset.items["label"].value_counts()
    named = sorted(set(dataset.table["label"][~dataset.excluded]) - {""})
    small = {label: int(counts.get(label, 0)) for label in named if counts.get(label, 0) < min_images}
    if len(named) - len(small) < 2 <= len(named):
        raise DatasetError(
            f"--min-per-class {min_images} would leave {counted(len(named) - len(small), 'class', 'classes')} of "
            f"{len(named)}; classification needs at least 2. Without enough usable {kind.plural} are "
            f"{listed((f'{label}: {n}' for label, n in small.items()), most=10)}. Add {kind.plural}, or give a "
            "smaller number."
        )
    dataset = _without(dataset, {label: f"has {counted(n, f'usable {kind.name}')}" for label, n in small.items()})
    notes = _notes(small, f"fewer than {min_images} usable {kind.plural}", min_images, kind)
    whole: dict[str, int] = {}
    while len(dataset.classes) > 1 and (lacking := undividable_classes(dataset, seed=seed)):
        now = {dataset.classes[k]: int((dataset.labels == k).sum()) for k in lacking}
        whole |= now
        dataset = _without(dataset, dict.fromkeys(now, "cannot be divided into training and test"))
    why = f"{kind.plural} that cannot be divided into training and test (copies, or few groups)"
    notes += _notes(whole, why, min_images, kind)
    return replace(dataset, notes=dataset.notes + notes)


def classes_left_out(dataset: Dataset) -> tuple[str, ...]:
    """The classes that were left out as a whole for having too few images, sorted."""
    left_out = dataset.table["quarantine"].str.startswith(EXCLUDED_CLASS)
    return tuple(sorted(set(dataset.table["label"][left_out]) - {""}))


def _notes(left_out: Mapping[str, int], why: str, min_images: int, kind: ItemKind) -> tuple[Note, ...]:
    if not left_out:
        return ()
    classes = listed(f"{label}: {n}" for label, n in left_out.items())
    return (
        Note(
            f"{counted(len(left_out), 'class', 'classes')} with "
            f"{counted(sum(left_out.values()), f'usable {kind.name}')} "
            f"{'is' if len(left_out) == 1 else 'are'} left out by --min-per-class {min_images}, with {why} ({classes})",
            f"The model never answers with these classes; add {kind.plural} to learn them.",
        ),
    )


def _without(dataset: Dataset, reasons: Mapping[str, str]) -> Dataset:
    """The dataset with some classes excluded; pairs keep to the images, which get other numbers."""
    if not reasons:
        return dataset
    table = dataset.table.copy()
    of_class = table["label"].isin(reasons.keys()) & ~dataset.excluded
    why = table["label"].map({label: f"{EXCLUDED_CLASS} {reason}" for label, reason in reasons.items()})
    table["quarantine"] = table["quarantine"].where(~of_class, why)
    kept = ~dataset.items["label"].isin(reasons.keys()).to_numpy()
    return replace(dataset, table=table, pairs=_renumbered(dataset.pairs, kept))


def _renumbered(pairs: pd.DataFrame, kept: np.ndarray) -> pd.DataFrame:
    number = np.cumsum(kept) - 1
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    left: pd.DataFrame = pairs.loc[kept[first] & kept[second]].reset_index(drop=True)
    left[["first", "second"]] = number[left[["first", "second"]].to_numpy(dtype=int)]
    return left
