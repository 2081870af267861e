"""Group DRO: trains on the subgroup that is doing worst at the moment, rather than on the average."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import DebiasMethod, DebiasTask, Predict
from autotl_plugins.debias_methods._even_draws import Subgroups, subgroups_of
from autotl_plugins.debias_methods._held_out import best_on_held_out
from autotl_plugins.debias_methods._last_layer import location_and_scale, train_last_layer
from autotl_plugins.debias_methods.dfr import LinearLayer

STEP_SIZE = 0.01
"""Of the weights of subgroups, as in the paper's experiments."""
PENALTIES = (0.01, 0.1, 1.0)
"""Of the last layer; the paper finds that group DRO needs strong ones."""
ADJUSTMENT = 1.0
"""C of the paper's group adjustments: C / sqrt(n) is added to the loss of a subgroup of n items, for a small one is
learned by heart, and its loss in training tells little."""


class GroupWeights:
    """The weights of subgroups in the loss, which grow for those with the largest loss (algorithm 1 of the paper)."""

    def __init__(self, subgroups: Subgroups, adjustment: float = ADJUSTMENT) -> None:
        self._number = subgroups.number
        sizes = np.array([len(items) for items in subgroups.members])
        self._added = adjustment / np.sqrt(sizes)
        self._weights = np.full(len(sizes), 1 / len(sizes))

    def of_batch(self, items: np.ndarray, losses: np.ndarray) -> np.ndarray:
        """Learn from the losses of a batch, then return the weights of its items, float (n,), with a mean of 1."""
        groups = self._number[items]
        counts = np.bincount(groups, minlength=len(self._weights))
        sums = np.bincount(groups, losses, minlength=len(self._weights))
        present = counts > 0
        self._weights[present] *= np.exp(STEP_SIZE * (sums[present] / counts[present] + self._added[present]))
        self._weights /= self._weights.sum()
        shares = self._weights[groups] / counts[groups]
        return np.asarray(len(items) * shares / shares.sum())


def fit(task: DebiasTask) -> Predict:
    """Train the champion's network where there is one, else a logistic last layer on the champion's features."""
    if task.fine_tune is None:
        return _fit_last_layer(task)
    found = subgroups_of(task, task.train)
    items, weights = found.items, GroupWeights(found)
    return task.fine_tune(
        items, draw=partial(found.draw, len(items)), weigh=lambda batch, losses: weights.of_batch(batch, losses())
    )


def _fit_last_layer(task: DebiasTask) -> LinearLayer:
    """Choose the penalty on held-out items, then train on training and validation items together."""
    both = np.concatenate([task.train, task.validation])
    mean, scale = location_and_scale(task.features[both])
    vectors = (task.features - mean) / scale

    def layer(items: np.ndarray, penalty: float) -> LinearLayer:
        found = subgroups_of(task, items)
        weights, offset = train_last_layer(
            vectors, task.labels, task.n_classes, draw=found.draw, weigh=GroupWeights(found).of_batch, penalty=penalty,
            seed=task.seed,
        )  # fmt: skip
        weights /= scale
        return LinearLayer(task.features, weights, offset - mean @ weights)

    return layer(both, best_on_held_out(task, PENALTIES, layer))


@hookimpl
def register_debias_methods() -> Iterable[DebiasMethod]:
    """Offer group DRO."""
    source = (
        "Sagawa et al. 2020, Distributionally robust neural networks for group shifts, algorithm 1; arXiv:1911.08731"
    )
    yield DebiasMethod("group-dro", fit, needs=frozenset({"groups"}), source=source, exports="probe")
