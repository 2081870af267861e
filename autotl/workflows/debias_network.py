"""A fine-tuned champion's network, trained again on other items or with other weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.errors import OutOfTimeError
from autotl.features.decoded_images import DecodedImages
from autotl.interfaces import Draw, FineTune, Predict, Weigh
from autotl.runtime import keras_backend
from autotl.runtime.blas_threads import threads_per_worker
from autotl.search.context import SearchContext
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.network_training import fit_head
from autotl.search.probe_trials import build_classifier
from autotl.training.activation_cache import ActivationCache, CannotCacheError, split_network
from autotl.training.classifiers import Classifier
from autotl.training.emphasis import Emphasis
from autotl.training.fine_tuning import (
    Inputs,
    PlainInputs,
    assemble,
    cycles_for,
    epochs_for,
    predict,
    train,
)
from autotl.trial import TrialRecord

if TYPE_CHECKING:
    import keras

STAGE = "fine-tuning"


@dataclass(frozen=True)
class _Parts:
    """A head on a backbone, before any training.

    initial: the weights of `model` then; generators: the states of its random layers.
    """

    model: keras.Model
    backbone: keras.Model
    head: keras.Model
    classifier: Classifier
    initial: list[np.ndarray]
    generators: list[Any]
    freeze_depth: int


class ChampionNetwork:
    """The network of a fine-tuned trial, assembled when it is first trained; several seeds share one.

    Images and activations are kept in `folder`, which is the caller's to remove.
    """

    def __init__(self, context: SearchContext, trial: TrialRecord, folder: Path) -> None:
        self._context, self._candidate, self._folder = context, context.candidate(trial), folder
        self._hp = fixed_hyperparameters(trial.params)
        self._items = context.reader.used
        self._seconds_left: Callable[[], float] = context.seconds_left
        self._inputs: Inputs | None = None

    def trainer(
        self, seed: int, *, seconds_left: Callable[[], float], progress: Callable[[str, int, int], None]
    ) -> FineTune:  # fmt: skip
        """What a method against bias trains the network by."""

        def fine_tune(
            items: np.ndarray, *, draw: Draw | None = None, weigh: Weigh | None = None, share: float = 1.0
        ) -> Predict:  # fmt: skip
            self._seconds_left = seconds_left
            # Outside the session, whose seeds are for the network alone.
            self._context.inputs.get(self._candidate)
            # The head begins with what the network will be shown.
            shown = draw(np.random.default_rng(seed)) if draw else items
            cycles = cycles_for(len(items)) if share == 1 else (max(1, round(share * epochs_for(len(items)))),)
            emphasis, report = self._placed(draw, weigh), partial(_report, progress, sum(cycles))
            with keras_backend.session(seed):
                self._restart(shown, seed)
                try:
                    self._train(items, emphasis, cycles, seed, report)
                except CannotCacheError:
                    self._inputs = self._plain()
                    self._restart(shown, seed)
                    self._train(items, emphasis, cycles, seed, report)
            return self._predictor()

        return fine_tune

    @cached_property
    def _parts(self) -> _Parts:
        context, candidate = self._context, self._candidate
        reading, training = candidate.reading, candidate.training
        assert training is not None
        classifier = build_classifier(
            context, candidate.head, self._hp, context.inputs.get(candidate).vectors.shape[1]
        )  # fmt: skip
        head = fit_head(context, candidate, classifier, context.run.split.train)
        backbone = candidate.network.build(*reading.size)
        model, freeze_depth = assemble(
            backbone, head, stage=reading.stage, pooling=reading.pooling, trainable_stages=training.trainable_stages,
            dropout=training.dropout,
        )  # fmt: skip
        weights = {id(variable) for variable in model.weights}
        generators = [variable for variable in model.variables if id(variable) not in weights]
        return _Parts(model, backbone, head, classifier, model.get_weights(), generators, freeze_depth)

    def _restart(self, items: np.ndarray, seed: int) -> None:
        """Pretrained weights, the head fitted as a probe on the items, and random layers by the seed."""
        parts = self._parts
        parts.model.set_weights(parts.initial)
        parts.head.set_weights(fit_head(self._context, self._candidate, parts.classifier, np.sort(items)).get_weights())
        for number, state in enumerate(parts.generators):
            state.assign(np.array([seed, number], dtype=np.uint32))

    def _train(
        self, items: np.ndarray, emphasis: Emphasis, cycles: tuple[int, ...], seed: int,
        report: Callable[[int, np.ndarray], None],
    ) -> None:  # fmt: skip
        training, split = self._candidate.training, self._context.run.split
        assert training is not None
        train(
            self._parts.model, training, self._opened(), self._context.labels[self._items],
            train_items=self._places(items), validation_items=self._places(split.validation), after_epoch=report,
            seconds_left=self._seconds_left, seed=seed, cycles=cycles, emphasis=emphasis,
        )  # fmt: skip

    def _predictor(self) -> Predict:
        inputs, weights = self._opened(), self._parts.model.get_weights()

        def predict_items(items: np.ndarray) -> np.ndarray:
            self._parts.model.set_weights(weights)
            return predict(inputs, self._places(items))

        return predict_items

    def _places(self, items: np.ndarray) -> np.ndarray:
        """Where items are among those that are used."""
        return np.searchsorted(self._items, items)

    def _placed(self, draw: Draw | None, weigh: Weigh | None) -> Emphasis:
        """What is drawn and weighed by item numbers, by the places that training knows the items by."""
        return Emphasis(
            (lambda rng: self._places(draw(rng))) if draw else None,
            (lambda places, losses: weigh(self._items[places], losses)) if weigh else None,
        )

    def _opened(self) -> Inputs:
        """Activations below the freeze depth, or pixels where they cannot be cached."""
        if self._inputs is None:
            try:
                self._inputs = self._cached()
            except CannotCacheError:
                self._inputs = self._plain()
        return self._inputs

    def _cached(self) -> ActivationCache:
        context, reading, training = self._context, self._candidate.reading, self._candidate.training
        assert training is not None
        parts = split_network(
            self._parts.model, self._parts.backbone, stage=reading.stage, pooling=reading.pooling,
            freeze_depth=self._parts.freeze_depth,
        )  # fmt: skip
        cache = ActivationCache(
            parts, self._images(), folders=[self._folder / "activations"], n_items=len(self._items),
            train_items=self._places(context.run.split.development), augment=training.augment, seed=context.seed,
            threads=threads_per_worker(context.run.config.workers_here), engine=context.settings.engine,
        )  # fmt: skip
        if not cache.prepare(0, lambda: self._seconds_left() <= 0):
            raise OutOfTimeError("the time ran out while the images were read for fine-tuning")
        return cache

    def _plain(self) -> PlainInputs:
        training = self._candidate.training
        assert training is not None
        return PlainInputs(self._parts.model, self._images(), augment=training.augment, seed=self._context.seed)

    def _images(self) -> DecodedImages:
        dataset = self._context.run.dataset.part(self._candidate.network.modality)
        return DecodedImages(
            dataset, self._items, self._candidate.reading.size, self._folder, seconds_left=lambda: self._seconds_left(),
            crop=self._context.reader.crop(self._candidate.backbone),
        )  # fmt: skip


def small_images(context: SearchContext, folder: Path) -> Callable[[int], np.ndarray]:
    """What gives the images of a run by their edge, uint8 (n_items, edge, edge, 3), zero for those left out."""

    def images(edge: int) -> np.ndarray:
        run, used = context.run, context.reader.used
        decoded = DecodedImages(
            run.dataset.part("image"), used, (edge, edge), folder, seconds_left=context.seconds_left
        )
        found = np.zeros((len(run.dataset.items), edge, edge, 3), dtype=np.uint8)
        found[used] = decoded(np.arange(len(used)))
        return found

    return images


def _report(progress: Callable[[str, int, int], None], total: int, epoch: int, _probabilities: np.ndarray) -> None:
    progress(STAGE, epoch, total)
