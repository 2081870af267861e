"""A joint fine-tune: one network for several targets, with shared stages and a head for each target.

As in a fine-tune trial of one target, each head is fitted as a probe first, and one network is trained for each fold
from the same cached activations; the network of the first fold is kept. The losses of the targets are added up; an item
without a label for a target counts for the others. Every fold is kept on disk when it ends, so that a killed process
loses one fold at most.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from autotl.errors import OutOfTimeError
from autotl.features.decoded_images import DecodedImages
from autotl.predictions import Predictions
from autotl.runs.run import Run
from autotl.runtime import keras_backend
from autotl.runtime.atomic_files import write_atomically
from autotl.search.context import SearchContext
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.network_training import PIXELS, CutNetwork, fit_head, progress_of, save_network, together, train_on
from autotl.search.probe_trials import build_classifier
from autotl.targets import UNKNOWN
from autotl.training.classifiers import Classifier
from autotl.training.fine_tuning import FineTuned, Inputs, assemble, train
from autotl.training.joint_heads import divide, side_by_side, sum_of_losses
from autotl.trial import Candidate, Params, TrainingDetails

if TYPE_CHECKING:
    import keras

DETAILS_FILE = "training.json"


@dataclass(frozen=True, eq=False)
class JointTarget:
    """A target of a joint fine-tune.

    candidate: its reading and training are those of all targets; params: of its head. places: int (n_items,), the
    number of each of its items among those of all targets. folder: of its network and predictions.
    """

    context: SearchContext
    candidate: Candidate
    params: Params
    places: np.ndarray
    folder: Path

    def items(self, fold: int) -> np.ndarray:
        """Its items in a fold of cross-validation, by its own numbers."""
        return np.flatnonzero(self.context.run.split.fold == fold)

    def predictions_of(self, fold: int) -> Path:
        """The file with the predictions of a fold."""
        return self.folder / f"fold{fold}.npz"


@dataclass(frozen=True, eq=False)
class JointTrained:
    """Predictions of each target, in the order given, each by a network that was not trained on the item; not yet
    calibrated. details: as of a fine-tune trial.
    """

    predictions: tuple[Predictions, ...]
    details: TrainingDetails


@dataclass(frozen=True, eq=False)
class _Network:
    """The network of all targets, ready to be trained on a fold.

    heads: inside the model; alone: for each target, the same network with its head only. initial: weights before any
    training.
    """

    model: keras.Model
    backbone: keras.Model
    heads: Sequence[keras.Model]
    alone: Sequence[keras.Model]
    classifiers: Sequence[Classifier]
    initial: list[np.ndarray]
    freeze_depth: int


def waiting_folds(whole: Run, targets: Sequence[JointTarget], folder: Path, seconds_left: float) -> list[int]:
    """The folds that are not on disk yet; none if the time does not suffice for one more.

    whole: the run of all targets, with their common split. folder: of what is kept. Raises OutOfTimeError if there is
    no time for the first fold.
    """
    waiting = [fold for fold in range(whole.split.n_folds) if not _is_kept(fold, targets)]
    if 0 not in waiting:
        return waiting if waiting and seconds_left > _read(folder)["fold_seconds"] else []
    if seconds_left <= 0:
        raise OutOfTimeError("no time was left for it")
    return waiting


def fine_tune_jointly(
    whole: Run, targets: Sequence[JointTarget], folder: Path, *, engine: str, seconds_left: Callable[[], float],
    after_fold: Callable[[], None],
) -> str:  # fmt: skip
    """Train a network for each fold that is not on disk yet, as far as the time allows; returns why not all of them.

    The arguments are those of `waiting_folds`; after_fold: called when a fold is kept. Raises OutOfTimeError if the
    time runs out in the first fold.
    """
    waiting = waiting_folds(whole, targets, folder, seconds_left())
    if not waiting:
        return ""
    for target in targets:
        target.context.inputs.get(target.candidate)  # outside the session, whose seeds are for the network alone
    with keras_backend.session(whole.config.seed):
        return _Job(whole, targets, folder, seconds_left, after_fold).train(waiting, engine)


def read_trained(whole: Run, targets: Sequence[JointTarget], folder: Path, why: str) -> JointTrained:
    """What the folds on disk predict. why: what kept the others from being trained, empty for the time."""
    n_folds = whole.split.n_folds
    done = [fold for fold in range(n_folds) if _is_kept(fold, targets)]
    details: dict[str, object] = {**_read(folder), "folds": len(done)}
    if len(done) < n_folds:
        details["why_not_all_folds"] = why or "the time ran out"
    predictions = tuple(together([Predictions.load(t.predictions_of(fold)) for fold in done]) for t in targets)
    return JointTrained(predictions, cast(TrainingDetails, details))


def known_labels(n_items: int, targets: Sequence[JointTarget]) -> np.ndarray:
    """The labels of all items that may be learned from, int (n_items, n_targets); `UNKNOWN` where there is none."""
    labels = np.full((n_items, len(targets)), UNKNOWN)
    for column, target in enumerate(targets):
        items = target.context.run.split.development
        labels[target.places[items], column] = target.context.labels[items]
    return labels


class _Job:
    """Trains the folds, on the items of all targets that may be learned from."""

    def __init__(
        self, whole: Run, targets: Sequence[JointTarget], folder: Path, seconds_left: Callable[[], float],
        after_fold: Callable[[], None],
    ) -> None:  # fmt: skip
        self._whole, self._targets, self._folder = whole, targets, folder
        self._seconds_left, self._after_fold = seconds_left, after_fold
        labels = known_labels(len(whole.dataset.items), targets)
        self._items = np.flatnonzero((labels != UNKNOWN).any(axis=1))
        self._labels = labels[self._items]
        self._sizes = [target.context.n_classes for target in targets]
        self._training = targets[0].candidate.training
        self._network = self._assemble()

    def train(self, waiting: Sequence[int], engine: str) -> str:
        """Train some folds and keep each; returns why not all of them."""
        whole, network, candidate = self._whole, self._network, self._targets[0].candidate
        assert self._training is not None
        images = DecodedImages(
            whole.dataset.part(candidate.network.modality), self._items, candidate.reading.size,
            whole.folder / PIXELS, seconds_left=self._seconds_left,
            crop=self._targets[0].context.reader.crop(candidate.backbone),
        )  # fmt: skip
        cut = CutNetwork(network.model, network.backbone, network.freeze_depth, candidate.reading, self._training)
        why, how, _ = train_on(
            whole, cut, images, lambda inputs: self._train_folds(waiting, inputs), n_items=len(self._items),
            engine=engine,
        )  # fmt: skip
        self._keep(how=how)
        return why

    def _assemble(self) -> _Network:
        """Fit each head as a probe on the training split, and set all on one backbone."""
        heads, classifiers = [], []
        for target in self._targets:
            context, candidate = target.context, target.candidate
            width = context.inputs.get(candidate).vectors.shape[1]
            hp = fixed_hyperparameters(target.params)
            classifiers.append(build_classifier(context, candidate.head, hp, width))
            heads.append(fit_head(context, candidate, classifiers[-1], context.run.split.train))
        candidate = self._targets[0].candidate
        backbone = candidate.network.build(*candidate.reading.size)

        def assembled(head: keras.Model) -> tuple[keras.Model, int]:
            assert self._training is not None
            reading, n_stages = candidate.reading, self._training.trainable_stages
            return assemble(backbone, head, stage=reading.stage, pooling=reading.pooling, trainable_stages=n_stages)

        alone = [assembled(head)[0] for head in heads]
        model, freeze_depth = assembled(side_by_side(heads))
        return _Network(model, backbone, heads, alone, classifiers, model.get_weights(), freeze_depth)

    def _train_folds(self, waiting: Sequence[int], inputs: Inputs) -> str:
        for fold in waiting:
            began = time.monotonic()
            if fold and (needed := _read(self._folder)["fold_seconds"]) > self._seconds_left():
                return f"each takes about {needed:.0f} s, and {max(0.0, self._seconds_left()):.0f} s are left"
            self._restart(fold)
            try:
                tuned = self._train_fold(fold, inputs)
            except OutOfTimeError:
                if fold == 0:
                    raise
                return "the time ran out"
            if fold and tuned.out_of_time:
                return "the time ran out"
            if fold == 0:
                self._keep_network(tuned, time.monotonic() - began)
            self._keep_predictions(fold, tuned)
            self._after_fold()
        return ""

    def _restart(self, fold: int) -> None:
        """Give the network the weights with which a fold begins: none of them have seen its items."""
        self._network.model.set_weights(self._network.initial)
        for target, head, classifier in zip(
            self._targets, self._network.heads, self._network.classifiers, strict=True
        ):  # fmt: skip
            items = np.setdiff1d(target.context.run.split.development, target.items(fold))
            fitted = fit_head(target.context, target.candidate, classifier, items)
            head.set_weights(fitted.get_weights())

    def _train_fold(self, fold: int, inputs: Inputs) -> FineTuned:
        assert self._training is not None
        held_out = self._whole.split.fold[self._items] == fold
        n_train = int((~held_out).sum())
        report = progress_of(
            self._whole, n_train, fold=fold, n_folds=self._whole.split.n_folds, seconds_left=self._seconds_left
        )  # fmt: skip
        return train(
            self._network.model, self._training, inputs, self._labels, train_items=np.flatnonzero(~held_out),
            validation_items=np.flatnonzero(held_out), after_epoch=report, seconds_left=self._seconds_left,
            seed=self._whole.config.seed, loss=sum_of_losses(self._sizes),
        )  # fmt: skip

    def _keep_network(self, tuned: FineTuned, seconds: float) -> None:
        """Leave the network of each target, and how it was trained."""
        assert self._training is not None
        for target, network in zip(self._targets, self._network.alone, strict=True):
            one = FineTuned(network, tuned.probabilities, tuned.epochs, tuned.out_of_time, tuned.epoch_seconds)
            save_network(target.context, one, target.candidate, target.folder)
        self._keep(
            **self._training.to_json(), freeze_depth=self._network.freeze_depth, epochs=tuned.epochs,
            out_of_time=tuned.out_of_time, epoch_seconds=round(tuned.epoch_seconds, 3), fold_seconds=round(seconds, 3),
            start="the fitted probes",
        )  # fmt: skip

    def _keep_predictions(self, fold: int, tuned: FineTuned) -> None:
        held_out = self._items[self._whole.split.fold[self._items] == fold]
        parts = divide(tuned.probabilities, self._sizes)
        for target, probabilities in zip(self._targets, parts, strict=True):
            own = target.items(fold)
            rows = np.searchsorted(held_out, target.places[own])
            Predictions(own, target.context.labels[own], probabilities[rows]).save(target.predictions_of(fold))

    def _keep(self, **details: object) -> None:
        text = json.dumps({**_read(self._folder), **details}, indent=2)
        write_atomically(self._folder / DETAILS_FILE, text.encode())


def _is_kept(fold: int, targets: Sequence[JointTarget]) -> bool:
    return all(target.predictions_of(fold).exists() for target in targets)


def _read(folder: Path) -> Mapping[str, float]:
    """What is known of the training so far."""
    file = folder / DETAILS_FILE
    found: Mapping[str, float] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found
