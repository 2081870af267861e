"""The share of right answers with its interval, images of one cluster counted as alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autotl.evidence.intervals import clustered_wilson, wilson


class Share(NamedTuple):
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


def share_of(right: np.ndarray, clusters: np.ndarray | None) -> Share:
    """right: bool (n,), n at least 1; clusters: (n,), one number for images that are alike, None where none are."""
    if clusters is None:
        low, high = wilson(int(right.sum()), len(right))
    else:
        own = np.unique(clusters, return_inverse=True)[1]
        low, high = clustered_wilson(np.bincount(own, right).astype(int), np.bincount(own))
    return Share(float(right.mean()), float(low), float(high))


def rounded(share: Share) -> tuple[float, float, float]:
    """Its numbers as a table shows them."""
    return round(share.value, 3), round(share.low, 3), round(share.high, 3)
