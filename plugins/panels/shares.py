"""The share of right answers with its interval, images of one cluster counted as alike."""

from __future__ import annotations

import numpy as np

from autotl.evidence.intervals import clustered_wilson, wilson
from autotl.interfaces import ScoreInterval


def share_of(right: np.ndarray, clusters: np.ndarray | None) -> ScoreInterval:
    """right: bool (n,), n at least 1; clusters: (n,), one number for images that are alike, None where none are."""
    if clusters is None:
        return wilson(int(right.sum()), len(right))
    own = np.unique(clusters, return_inverse=True)[1]
    return clustered_wilson(np.bincount(own, right).astype(int), np.bincount(own))


def rounded(share: ScoreInterval) -> tuple[float, float, float]:
    """Its numbers as a table shows them."""
    return round(share.value, 3), round(share.low, 3), round(share.high, 3)
