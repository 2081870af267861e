"""A weighted mean of the best probes, where it is clearly better than the best of them.

Greedy selection with replacement (Caruana et al. 2004): simple, and hard to overfit with a few members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotl.predictions import Predictions, item_losses

MAX_MEMBERS = 5
MAX_CANDIDATES = 20
_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Ensemble:
    """weights: one per candidate, 0 for those left out, sum 1; predictions: of each fold by weights of the others."""

    weights: np.ndarray
    predictions: Predictions


def blend(candidates: Sequence[Predictions], fold: np.ndarray) -> Ensemble:
    """Choose weights by the held-out log loss.

    candidates: predictions of the same items in the same order; fold: int (n,), of each item. The predictions of a fold
    are weighted by what was chosen on the other folds, so that their score owes nothing to the choice.
    """
    stacked = np.stack([candidate.probabilities for candidate in candidates])
    labels = candidates[0].labels
    mixed = np.empty_like(stacked[0])
    for number in np.unique(fold):
        here = fold == number
        chosen = _greedy(stacked[:, ~here], labels[~here])
        mixed[here] = np.tensordot(chosen, stacked[:, here], axes=1)
    return Ensemble(_greedy(stacked, labels), Predictions(candidates[0].items, labels, mixed))


def _greedy(stacked: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights (n_candidates,): how often each was taken, when the best addition is taken again and again."""
    counts = np.zeros(len(stacked))
    total = np.zeros_like(stacked[0])
    best = (np.inf, counts)
    for size in range(1, _ROUNDS + 1):
        allowed = np.flatnonzero(counts) if (counts > 0).sum() >= MAX_MEMBERS else np.arange(len(stacked))
        losses = [float(item_losses(labels, (total + stacked[i]) / size).mean()) for i in allowed]
        taken = allowed[int(np.argmin(losses))]
        counts[taken] += 1
        total += stacked[taken]
        if min(losses) < best[0] - 1e-5:
            best = (min(losses), counts / size)
    return np.asarray(best[1])
