"""Copies and near-duplicates on both sides of a split that the user gave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import counted
from autotl.targets import KINDS
from autotl_plugins.checks._pairs import members, most_alike_first, named

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset

SPLITS = ("train", "validation", "test")


def split_leaks(dataset: Dataset) -> Iterator[Finding]:
    """Count the pairs of copies and near-duplicates that a given split divides."""
    given = dataset.items["given_split"].to_numpy(dtype=str)
    pairs = most_alike_first(dataset.pairs)
    one, two = given[pairs["first"]], given[pairs["second"]]
    divided = (one != "") & (two != "") & (one != two)
    if not divided.any():
        return
    paths = dataset.items["path"].to_numpy(dtype=str)[members(pairs[divided])]
    digests = dataset.items["sha256"].to_numpy(dtype=str)
    exact = int((divided & (digests[pairs["first"]] == digests[pairs["second"]])).sum())
    yield Finding(
        "split-leaks",
        "warning",
        f"{counted(int(divided.sum()), 'pair')} of copies or near-duplicates ({exact:,} exact) on two sides of the "
        f"given split ({_counts(one[divided], two[divided])}), such as {paths[0]} and {paths[1]}",
        items=tuple(paths),
        advice="The copies in the train split are left out, so that the test score stays unbiased.",
        pairs=named(pairs[divided], dataset),
    )


def _counts(one: np.ndarray, two: np.ndarray) -> str:
    """The number of pairs for each two splits: "train and test: 12"."""
    return ", ".join(
        f"{a} and {b}: {n:,}"
        for a, b in combinations(SPLITS, 2)
        if (n := int((((one == a) & (two == b)) | ((one == b) & (two == a))).sum()))
    )


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("split-leaks", split_leaks, targets=KINDS)
