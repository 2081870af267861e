"""Explains why a split that came with the data cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autotl.data.dataset import Dataset
from autotl.runtime.wording import counted, listed


def lacks_training(dataset: Dataset, left_out: np.ndarray, lacking: Sequence[int]) -> str:
    """Why too few images of some classes are left to train on, where the data came with a split.

    left_out: mask over the items, of those that resemble one in a later part. lacking: the classes, as indices.
    """
    others = [repr(dataset.classes[k]) for k in lacking[1:]]
    items = dataset.item_kind.plural
    verb = "lacks" if len(others) == 1 else "lack"
    also = f" {counted(len(others), 'other class', 'other classes')} {verb} {items} to train on too: {listed(others)}."
    return _lacks_training(dataset, left_out, lacking[0]) + also * bool(others)


def _lacks_training(dataset: Dataset, left_out: np.ndarray, lacking: int) -> str:
    given = dataset.items["given_split"].to_numpy(dtype=str)
    mine = dataset.labels[:, lacking] > 0 if dataset.labels.ndim == 2 else dataset.labels == lacking
    train = (given != "test") & (given != "validation")
    name, n_train = dataset.classes[lacking], int((mine & train).sum())
    elsewhere = {part: int((mine & (given == part)).sum()) for part in ("validation", "test")}
    item, items = dataset.item_kind.name, dataset.item_kind.plural
    counts = " and ".join(f"{n} in {part}" for part, n in elsewhere.items() if n)
    if not n_train:
        whole = "" if train.any() else "; no folder or row of the data is for training"
        return (
            f"the class {name!r} has no {item} in the given train split ({counts}){whole}, so it cannot be learned. "
            f"Move {items} of it there, or leave the class out; unlabelled {items} belong in a folder "
            "`unlabelled`."
        )
    left = mine & train & left_out
    digests = dataset.digests()
    n_left, n_copies = int(left.sum()), int((left & np.isin(digests, digests[~train])).sum())
    found = f"the class {name!r} has only {n_train - n_left} of its {int(mine.sum())} {items} in the given train split"
    if n_left and n_copies == n_left:
        where = " and ".join(part for part in elsewhere if np.isin(digests[left], digests[given == part]).any())
        which = f"all {n_left} there" if n_left == n_train else f"{n_left} others"
        return (
            f"{found}, because {which} are copies of {items} in {where}. Put other {items} into the train split, "
            f"remove the copies in {where}, or remove the split."
        )
    if n_left:
        copies = f" ({n_copies} of them are exact copies)" if n_copies else ""
        return (
            f"{found}; {n_left} are left out, because their near-duplicates or members of their group are in "
            f"validation or test{copies}. Move {items} of it into the train split, or remove the split."
        )
    return (
        f"{found}{f' ({counts})' * bool(counts)}; too few to train and validate on. Move {items} of it into the train "
        "split, or remove the split."
    )
