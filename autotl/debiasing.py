"""Methods against bias: a model is trained again so that it does better on the subgroup it does worst on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Predict: TypeAlias = "Callable[[np.ndarray], np.ndarray]"
"""From item numbers, int (n,), to probabilities, float (n, n_classes)."""

Draw: TypeAlias = "Callable[[np.random.Generator], np.ndarray]"
"""The items of an epoch, int (n,), in which an item may be repeated; n is the number of items trained on."""
Weigh: TypeAlias = "Callable[[np.ndarray, Callable[[], np.ndarray]], np.ndarray]"
"""weigh(items, losses): weights in the loss, float (n,), of the items of a batch, int (n,); called before each step.

losses(): the cross-entropy of each item, float (n,); it is computed when it is called, which takes a forward pass.
"""


class FineTune(Protocol):
    """Trains the champion's network again, with the champion's choices.

    It begins with pretrained weights and a head fitted as a probe, on the items or, with `draw`, on a first draw of
    them. items: int (n,), of training and validation, those that are trained on. draw: of an epoch, every item once by
    default. weigh: equal weights by default. share: of the champion's epochs, above 0, at most 1. It ends by
    `DebiasTask.seconds_left`, and raises OutOfTimeError where not even one epoch was trained. Same seed, same network.
    """

    def __call__(
        self, items: np.ndarray, *, draw: Draw | None = None, weigh: Weigh | None = None, share: float = 1.0
    ) -> Predict:
        """Train; returns what predicts any item, also after further calls."""


def _without_end() -> float:
    return math.inf


def _in_silence(stage: str, done: int, total: int) -> None:
    """Report nothing."""


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
    folds: int (n_items,), the fold of each training and validation item, from 0, -1 for others, where strengths may be
        chosen by all of them in turn; items that are alike are in one fold. None where only `validation` is unseen.
    seconds_left(): until the method has to end. progress(stage, done, total): reports what is being done.
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
    fine_tune: FineTune | None = None
    folds: np.ndarray | None = None
    seconds_left: Callable[[], float] = _without_end
    progress: Callable[[str, int, int], None] = _in_silence


@dataclass(frozen=True)
class DebiasMethod:
    """A method against bias, under the name by which `autotl debias --method` chooses it.

    fit(task): learns from the training and validation items; returns what predicts any item.
    needs: of "groups", "images" and "fine_tune", what the method cannot do without; it is left out, and that is said,
        where a run lacks it. source: the paper that it is from, and the equation where there is one.
    exports: the champions in whose place `autotl debias --out` can write the model, which `to_onnx()` of what `fit`
        returned gives as a graph from `features` to `probabilities`: "probe" where a method trains a fine-tuned
        champion's whole network.
    """

    name: str
    fit: Callable[[DebiasTask], Predict]
    needs: frozenset[str] = frozenset()
    source: str = ""
    exports: Literal["any", "probe", "none"] = "any"
