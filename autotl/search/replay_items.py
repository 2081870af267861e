"""The items whose answers travel with a model, so that it can be checked wherever it is loaded."""

from __future__ import annotations

import numpy as np

from autotl.data.split import Split

N_REPLAY = 8


def replay_items(split: Split, labels: np.ndarray) -> np.ndarray:
    """A few validation items, of as many classes as possible: both kinds of champion have predicted them."""
    validation = split.validation
    _, first = np.unique(labels[validation], return_index=True)
    rest = np.setdiff1d(np.arange(len(validation)), first)
    return np.sort(validation[np.concatenate([first, rest])[:N_REPLAY]])
