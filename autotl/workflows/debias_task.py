"""What methods against bias learn from: a finished run's items as its champion's head reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from autotl.data.split import VALIDATION_FOLD
from autotl.deploy.last_layer import LastLayer
from autotl.interfaces import DebiasTask
from autotl.search.context import SearchContext
from autotl.search.heads import build_head
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.probe_trials import session_of
from autotl.training.classifiers import Classifier, wrap
from autotl.training.weighted_fit import fit_weighted
from autotl.trial import FINE_TUNE
from autotl.workflows.debias_groups import Grouping
from autotl.workflows.debias_network import ChampionNetwork

if TYPE_CHECKING:
    import onnx


_FEWEST_FOLDS = 3
"""To learn from, to validate on, and to leave out."""


@dataclass(frozen=True, eq=False)
class TaskMaker:
    """Makes the task of each seed: what changes with it is the validation fold and everything random.

    images: see `DebiasTask`. network: the champion's, if it is fine-tuned.
    """

    context: SearchContext
    layer: LastLayer
    grouping: Grouping
    images: Callable[[int], np.ndarray] | None = None
    network: ChampionNetwork | None = None

    def parts(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The training and the validation items of a seed, by its place from 0.

        The folds are those of the search, each in turn. A fine-tuned network has seen all but the first, and a
        validation split that came with the data is kept.
        """
        fold = VALIDATION_FOLD if self._is_fixed else number % self.context.run.split.n_folds
        return self._divided(self.context.run.split.development, fold)

    @property
    def spare_folds(self) -> range:
        """The folds that can be left out of a task, to calibrate on; none if there is one validation split."""
        n_folds = self.context.run.split.n_folds
        return range(0 if self._is_fixed or n_folds < _FEWEST_FOLDS else n_folds)

    def items_of(self, fold: int) -> np.ndarray:
        """The training and validation items of a fold."""
        return self._divided(self.context.run.split.development, fold)[1]

    def _divided(self, items: np.ndarray, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Those of other folds, and those of this one."""
        own = self.context.run.split.fold[items] == fold
        return items[~own], items[own]

    @property
    def _is_fixed(self) -> bool:
        given = (self.context.run.dataset.items["given_split"] == "validation").any()
        return bool(given) or self.layer.trial.strategy == FINE_TUNE

    def task(
        self, number: int, *, seconds_left: Callable[[], float], progress: Callable[[str, int, int], None],
        without: int | None = None,
    ) -> DebiasTask:  # fmt: skip
        """The task of a seed, by its place from 0. without: a fold that is not learned from; the next one validates."""
        train, validation = self.parts(number)
        context, seed, folds = self.context, self.context.seed + number, self.context.run.split.fold
        if without is not None:
            rest, _ = self._divided(context.run.split.development, without)
            train, validation = self._divided(rest, (without + 1) % context.run.split.n_folds)
            folds = np.where(folds == without, -1, folds)
        trainer = (
            None if self.network is None
            else self.network.trainer(seed, seconds_left=seconds_left, progress=progress)
        )  # fmt: skip
        return DebiasTask(
            features=self.layer.vectors, labels=context.labels, groups=self.grouping.of_items(context.labels),
            train=train, validation=validation, n_classes=context.n_classes, seed=seed,
            fit_head=partial(FittedHead, context, self.layer, seed=seed), images=self.images,
            fine_tune=trainer, folds=None if self._is_fixed else np.maximum(folds, -1),
            seconds_left=seconds_left, progress=progress,
        )  # fmt: skip


class FittedHead:
    """The champion's kind of head, with its parameters, fitted on some items with a weight each.

    Its probabilities are those of the head itself: margins are not calibrated.
    """

    def __init__(
        self, context: SearchContext, layer: LastLayer, items: np.ndarray, weights: np.ndarray | None, *, seed: int
    ) -> None:
        self._context, self._layer, self._seed = context, layer, seed
        self._items, self._weights = np.asarray(items), weights
        with session_of(context, layer.candidate.head):
            # A Keras model does not outlive its session.
            self._probabilities = self._fitted().probabilities(layer.vectors)

    def __call__(self, items: np.ndarray) -> np.ndarray:
        """Probabilities float (n, n_classes)."""
        return np.asarray(self._probabilities[items])

    def to_onnx(self) -> onnx.ModelProto:
        """The head as a graph from `features` to `probabilities`; it is fitted once more."""
        with session_of(self._context, self._layer.candidate.head):
            return self._fitted().to_onnx()

    def _fitted(self) -> Classifier:
        context, layer = self._context, self._layer
        head, vectors, items = layer.candidate.head, layer.vectors, self._items
        n_columns, hp = vectors.shape[1], fixed_hyperparameters(layer.trial.params)
        if context.processes.is_foreign(head.name):
            classifier: Classifier = context.processes.classifier(
                head, hp, n_features=n_columns, n_classes=context.n_classes, seed=self._seed,
                seconds_left=context.seconds_left.hard, kind=context.target.kind,
            )  # fmt: skip
        else:
            built = build_head(head, hp, n_columns, context.n_classes)
            classifier = wrap(head, built, n_columns, context.n_classes, seed=self._seed)
        fit_weighted(classifier, vectors[items], context.labels[items], self._weights, seed=self._seed)
        return classifier
