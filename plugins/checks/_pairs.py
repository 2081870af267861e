"""Pairs of images that resemble each other, as findings name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from autotl.data.dataset import Dataset

MOST_NAMED = 50
"""A run keeps its findings in run.json, which is written after every trial."""


def most_alike_first(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs in the order in which they are worth looking at."""
    return pairs.sort_values(["similarity", "first", "second"], ascending=[False, True, True])


def named(pairs: pd.DataFrame, dataset: Dataset) -> tuple[tuple[str, str], ...]:
    """The paths of the first 50 pairs."""
    paths = dataset.items["path"].to_numpy(dtype=str)
    some = pairs.head(MOST_NAMED)
    return tuple((str(paths[i]), str(paths[j])) for i, j in zip(some["first"], some["second"], strict=True))


def members(pairs: pd.DataFrame) -> np.ndarray:
    """The items of pairs, each once, in the order of the pairs; int (n,)."""
    flat = pairs[["first", "second"]].to_numpy(dtype=int).ravel()
    return flat[np.sort(np.unique(flat, return_index=True)[1])]
