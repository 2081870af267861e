"""How the checks go through pairs of near-duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def most_alike_first(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs in the order in which they are worth looking at."""
    return pairs.sort_values(["likeness", "first", "second"], ascending=[False, True, True])


def members(pairs: pd.DataFrame) -> np.ndarray:
    """The items of pairs, each once, in the order of the pairs; int (n,)."""
    flat = pairs[["first", "second"]].to_numpy(dtype=int).ravel()
    return flat[np.sort(np.unique(flat, return_index=True)[1])]
