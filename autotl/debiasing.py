"""Methods against bias: a model is trained again so that it does better on the subgroup it does worst on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Predict: TypeAlias = "Callable[[np.ndarray], np.ndarray]"
"""From item numbers, int (n,), to probabilities, float (n, n_classes)."""


@dataclass(frozen=True)
class DebiasTask:
    """What a method learns from: the items of a finished run, without those of the test split.

    features: float32 (n_items, n_features), what the champion's head reads, of every item of the dataset.
    labels: int (n_items,), class indices. groups: int (n_items,), the subgroup of each item, -1 if it is not known; a
        subgroup is a class within a value of an attribute.
    train, validation: int (n,), item numbers. n_classes: number of classes. seed: of everything random.
    fit_head(items, weights): the champion's own kind of head, fitted on items with a weight each; weights float (n,),
        None for equal ones; returns what predicts.
    images(edge): uint8 (n_items, edge, edge, 3), the items as small images; None if the items are not images.
    fine_tune: trains the champion's network, see `FineTune`; None if the champion is not a fine-tuned network.
    """

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    n_classes: int
    seed: int
    fit_head: Callable[[np.ndarray, np.ndarray | None], Predict]
    images: Callable[[int], np.ndarray] | None = None
    fine_tune: Any = None


@dataclass(frozen=True)
class DebiasMethod:
    """A method against bias, under the name by which `autotl debias --method` chooses it.

    fit(task): learns from the training and validation items; returns what predicts any item.
    needs: of "groups", "images" and "fine_tune", what the method cannot do without; it is left out, and that is said,
        where a run lacks it. source: the paper that it is from, and the equation where there is one.
    """

    name: str
    fit: Callable[[DebiasTask], Predict]
    needs: frozenset[str] = frozenset()
    source: str = ""
