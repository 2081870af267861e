"""Fine-tuning: the stages above the freeze depth train together with a head that was fitted as a probe before.

Linear-probe-then-fine-tune: Kumar et al. 2022, arXiv:2202.10054.
"""

from __future__ import annotations

import math
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from autotl.errors import OutOfTimeError
from autotl.features.decoded_images import Pixels
from autotl.features.frozen_network import POOLINGS, pool_stages, select_stages, stage_outputs
from autotl.runtime import keras_backend
from autotl.training.augmentation import altered
from autotl.training.classifiers import BATCH_ITEMS, batches
from autotl.training.emphasis import Emphasis
from autotl.trial import Training

if TYPE_CHECKING:
    import onnx

MIN_EPOCHS, MAX_EPOCHS = 6, 20
MIN_STEPS = 400
"""A small set is shown more often, so that the optimiser takes this many steps, within the limits above."""
WARM_UP = 0.1
"""Share of the steps in which the learning rate rises."""
FIRST_CYCLE = 1 / 6
"""Share of the epochs after which a trial is first judged; the rate has fallen to zero by then."""
_LEAST = 1e-7
"""Smaller probabilities of a label count as this one, so that no loss is infinite."""


@dataclass(frozen=True)
class FineTuned:
    """A trained network and what it says of the validation split.

    epochs: whole epochs trained; out_of_time: whether the time ended training before the last of them.
    epoch_seconds: of one epoch, training and validation, without filling any cache; the median.
    """

    network: Any
    probabilities: np.ndarray
    epochs: int
    out_of_time: bool
    epoch_seconds: float

    def to_onnx(self) -> onnx.ModelProto:
        """The whole network as a graph: `images` uint8 in, `probabilities` out."""
        from autotl.graphs.keras_to_onnx import to_onnx
        from autotl.graphs.surgery import keep_output

        model = to_onnx(self.network, input_dtype="uint8")
        return keep_output(model, model.graph.output[0].name, "probabilities")


def assemble(
    backbone: Any, head: Any, *, stage: str, pooling: str, trainable_stages: int, dropout: float = 0.0
) -> tuple[Any, int]:  # fmt: skip
    """Set a head on a backbone whose lower stages are frozen; returns the model and its freeze depth.

    dropout: share of the pooled features that the head does not see in a training step.

    Batch normalisation of the backbone stays frozen at every depth: its statistics would otherwise be replaced by
    those of a few small batches (in Keras 3 calling the backbone with training=False does not prevent that).
    """
    import keras

    outputs = stage_outputs(backbone)
    stages = select_stages(tuple(outputs), stage)
    read = tuple(outputs).index(stages[-1]) + 1
    freeze_depth = max(0, read - trainable_stages)
    frozen: set[int] = set()
    if freeze_depth:
        boundary = outputs[tuple(outputs)[freeze_depth - 1]]
        frozen = {id(layer) for layer in keras.Model(backbone.input, boundary).layers}
    for layer in backbone.layers:
        layer.trainable = id(layer) not in frozen
    for layer in _all_layers(backbone):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    pooled = list(pool_stages({s: outputs[s] for s in stages}, POOLINGS[pooling]).values())
    features = keras.layers.Concatenate(dtype="float32")(pooled) if len(pooled) > 1 else pooled[0]
    if dropout:
        features = keras.layers.Dropout(dropout, name="feature_dropout")(features)
    return keras.Model(backbone.input, head(features)), freeze_depth


def continue_from(model: Any, file: Path) -> bool:
    """Load the weights of an earlier network; returns False, with nothing changed, if they do not fit.

    file: a `.keras` archive, of which only the weights are read; no layer is built from its configuration.
    """
    before = model.get_weights()
    try:
        with warnings.catch_warnings():
            # Of layers that the archive does not hold Keras only warns, and leaves them as they were.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(file)
    except Exception:  # a damaged archive meets Keras with almost any
        model.set_weights(before)
        return False
    return True


class Inputs(Protocol):
    """Where training reads from: pixels, or cached activations.

    trainer: the Keras model that is trained; it shares its layers with the whole network.
    """

    trainer: Any

    def prepare(self, epoch: int, out_of_time: Callable[[], bool]) -> bool:
        """Prepare what an epoch reads; returns False if the time ran out first."""

    def read(self, items: np.ndarray, epoch: int) -> Any:
        """The trainer's input, a list where it has several; epoch 0 is for validation.

        Others may show the items in altered views.
        """


class PlainInputs:
    """Pixels for the whole network: what is frozen is computed again in every epoch, each of which is a new view."""

    def __init__(self, model: Any, pixels: Pixels, *, augment: bool, seed: int) -> None:
        self.trainer = model
        self._pixels, self._augment, self._seed = pixels, augment, seed

    def prepare(self, epoch: int, out_of_time: Callable[[], bool]) -> bool:  # noqa: ARG002
        """Pixels need no preparation."""
        return True

    def read(self, items: np.ndarray, epoch: int) -> Any:
        """Pixels from 0 to 255; the first epoch sees the images unaltered."""
        view = max(0, epoch - 1) if self._augment else 0
        return altered(self._pixels(items), items, view, seed=self._seed).astype(np.float32)


def epochs_for(n_train: int) -> int:
    """How many epochs are trained where the time allows it."""
    steps = math.ceil(n_train / BATCH_ITEMS)
    return min(MAX_EPOCHS, max(MIN_EPOCHS, math.ceil(MIN_STEPS / steps)))


def cycles_for(n_train: int) -> tuple[int, int]:
    """The epochs of the two cycles of a trial, in each of which the learning rate rises and falls."""
    n_epochs = epochs_for(n_train)
    first = max(1, round(FIRST_CYCLE * n_epochs))
    return first, n_epochs - first


def share_of_rate(step: int, n_steps: int, time_left: float) -> float:
    """The share of the learning rate at a step from 1 to n_steps; time_left: the share of the time that is left.

    It rises over the first tenth of the steps, and falls to zero when the steps or the time end, whichever is first:
    the schedule that does best where the end is given ("budgeted training": Li et al. 2020, arXiv:1905.04753).
    """
    return min(step / (WARM_UP * n_steps), 1 - (step - 1) / n_steps, time_left)


def train(
    model: Any, training: Training, inputs: Inputs, labels: np.ndarray, *,
    train_items: np.ndarray, validation_items: np.ndarray,
    after_epoch: Callable[[int, np.ndarray], None],
    seconds_left: Callable[[], float],
    seed: int,
    cycles: Sequence[int] = (),
    after_cycle: Callable[[int, np.ndarray], None] = lambda _cycle, _probabilities: None,
    loss: Callable[[Any, Any], Any] | None = None,
    emphasis: Emphasis | None = None,
) -> FineTuned:  # fmt: skip
    """Train with AdamW, at a learning rate that rises, then falls to zero when the epochs or the time end.

    The last weights are kept: to choose an epoch by the validation split would flatter the trial.

    model: the whole network; inputs.trainer: it, or the part of it that trains.
    labels: int (n,), or what `loss` takes (cross-entropy by default); train_items and validation_items index into it.
    after_epoch(epoch from 1, probabilities of the validation items) may raise to prune; so may after_cycle(cycle from
    1, probabilities). cycles: epochs of each, at the start of which the rate rises again; one of all epochs by default.
    emphasis: which items count for more; its items are numbers of `labels`, which are classes then.
    A trainer compiled by an earlier call keeps its compiled functions; its optimiser state is reset.
    Raises OutOfTimeError if the time is gone before the first epoch ends.
    """
    validation_seconds = 0.0

    def time_left() -> float:
        return seconds_left() - validation_seconds

    too_late = OutOfTimeError("the time ran out before the first epoch of fine-tuning ended")
    cycles = tuple(cycles) or (epochs_for(len(train_items)),)
    optimizer = _compile(inputs.trainer, training, loss)
    targets = labels if loss else _targets(labels, training, model.output.shape[-1])
    if not inputs.prepare(0, lambda: time_left() <= 0):
        raise too_late
    started = time.monotonic()
    probabilities = predict(inputs, validation_items)
    validation_seconds = time.monotonic() - started
    rng = np.random.default_rng(seed)
    task = _Task(inputs, targets, labels, train_items, validation_items, optimizer, rng, emphasis or Emphasis())
    seconds: list[float] = []
    late = False
    for cycle, n_epochs in enumerate(cycles, 1):
        later = sum(cycles[cycle:])
        # A cycle leaves the others their share of the time.
        reserved = time_left() * later / (later + n_epochs) if later else 0.0
        of_cycle = partial(_less, time_left, 0.0 if math.isinf(reserved) else reserved)
        n_steps = n_epochs * max(1, len(train_items) // BATCH_ITEMS)  # `batches` leaves out the odd rest
        rate = _LearningRate(training.learning_rate, n_steps, of_cycle)
        spent, found = _train_cycle(
            task, rate, n_epochs, time_left=of_cycle, first=len(seconds) + 1, after_epoch=after_epoch
        )
        seconds, late = seconds + spent, late or len(spent) < n_epochs
        probabilities = probabilities if found is None else found
        if seconds:
            after_cycle(cycle, probabilities)
    if not seconds:
        raise too_late
    return FineTuned(model, probabilities, len(seconds), late, statistics.median(seconds))


@dataclass(frozen=True)
class _Task:
    """What is trained on what; items index into the targets, and are what `inputs` are read by."""

    inputs: Inputs
    targets: np.ndarray
    labels: np.ndarray
    train_items: np.ndarray
    validation_items: np.ndarray
    optimizer: Any
    rng: np.random.Generator
    emphasis: Emphasis


def _train_cycle(
    task: _Task, rate: _LearningRate, n_epochs: int, *, time_left: Callable[[], float], first: int,
    after_epoch: Callable[[int, np.ndarray], None],
) -> tuple[list[float], np.ndarray | None]:  # fmt: skip
    """Train epochs from `first` on; the seconds of each whole one, and what is said of the validation items at last."""
    seconds: list[float] = []
    probabilities = None
    while len(seconds) < n_epochs and task.inputs.prepare(first + len(seconds), lambda: time_left() <= 0):
        started, epoch = time.monotonic(), first + len(seconds)
        whole = _train_epoch(task, epoch, rate)
        probabilities = predict(task.inputs, task.validation_items)
        if not whole:
            break
        seconds.append(time.monotonic() - started)
        after_epoch(epoch, probabilities)
    return seconds, probabilities


def _less(time_left: Callable[[], float], reserved: float) -> float:
    return time_left() - reserved


class _LearningRate:
    """The learning rate, step by step; time_left: until training has to end, infinite without a budget."""

    def __init__(self, largest: float, n_steps: int, time_left: Callable[[], float]) -> None:
        self._largest, self._n_steps, self._time_left = largest, n_steps, time_left
        self._allowed = time_left()
        self._step = 0

    def next(self) -> float | None:
        """Of the next step; None if the time is gone."""
        left = self._time_left()
        if left <= 0:
            return None
        self._step += 1
        share_left = 1.0 if math.isinf(self._allowed) else left / self._allowed
        return self._largest * share_of_rate(self._step, self._n_steps, share_left)


def _compile(trainer: Any, training: Training, own_loss: Callable[[Any, Any], Any] | None) -> Any:
    """The optimiser of a trainer, as at the start; compiled once, for tracing costs more than many an epoch."""
    import keras

    if trainer.compiled:
        # With half precision Keras wraps the optimiser, and the scale of the loss goes on as it is.
        optimizer = getattr(trainer.optimizer, "inner_optimizer", trainer.optimizer)
        for variable in optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        return optimizer
    optimizer = keras.optimizers.AdamW(training.learning_rate, weight_decay=training.weight_decay)
    loss: Any = own_loss or "sparse_categorical_crossentropy"
    if training.label_smoothing and not own_loss:
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=training.label_smoothing)
    trainer.compile(optimizer, loss, jit_compile=keras_backend.compiles_steps())
    return optimizer


def _targets(labels: np.ndarray, training: Training, n_classes: int) -> np.ndarray:
    """What the loss compares with: classes, or where labels are smoothed one-hot rows."""
    return np.eye(n_classes, dtype=np.float32)[labels] if training.label_smoothing else labels


def _train_epoch(task: _Task, epoch: int, rate: _LearningRate) -> bool:
    """Train one epoch; False if the time ran out in it."""
    for batch in batches(task.emphasis.of_epoch(task.train_items, task.rng), BATCH_ITEMS, task.rng):
        learning_rate = rate.next()
        if learning_rate is None:
            return False
        task.optimizer.learning_rate = learning_rate
        read = task.inputs.read(batch, epoch)
        weights = task.emphasis.of_batch(batch, partial(_losses, task, batch, read))
        task.inputs.trainer.train_on_batch(read, task.targets[batch], weights)
    return True


def _losses(task: _Task, batch: np.ndarray, read: Any) -> np.ndarray:
    """The cross-entropy of each item of a batch before it is learned from, float64 (n,); read: the trainer's input."""
    found = task.inputs.trainer.predict_on_batch(read)[np.arange(len(batch)), task.labels[batch]]
    return np.asarray(-np.log(np.maximum(found.astype(np.float64), _LEAST)))


def predict(inputs: Inputs, items: np.ndarray) -> np.ndarray:
    """Class probabilities of items as they are, in batches padded to one shape, float64, rows sum to 1."""
    parts = []
    for start in range(0, len(items), BATCH_ITEMS):
        part = items[start : start + BATCH_ITEMS]
        padded = np.pad(part, (0, BATCH_ITEMS - len(part)), mode="edge")
        parts.append(inputs.trainer.predict_on_batch(inputs.read(padded, 0))[: len(part)])
    probabilities = np.concatenate(parts).astype(np.float64)
    return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))


def _all_layers(model: Any) -> list[Any]:
    """The layers of a model and of the models nested in it."""
    return (
        [inner for layer in model.layers for inner in (layer, *_all_layers(layer))] if hasattr(model, "layers") else []
    )
