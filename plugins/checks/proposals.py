"""What a check would decide about the items of a finding, for whoever looks at them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MOST = 500
"""A run keeps its findings in run.json, which is written after every trial."""


def excluding(paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Leave out these images."""
    return tuple(("exclude", str(path)) for path in islice(paths, MOST))


def keeping_one(pairs: pd.DataFrame, paths: np.ndarray) -> tuple[tuple[str, str], ...]:
    """Leave out one of each pair, unless it has lost one already. pairs: first, second; the clearest come first."""
    left_out: dict[int, None] = {}
    for first, second in pairs[["first", "second"]].itertuples(index=False, name=None):
        if first not in left_out and second not in left_out:
            left_out[second] = None
    return excluding(str(paths[item]) for item in left_out)
