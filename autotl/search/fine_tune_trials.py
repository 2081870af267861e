"""Fine-tune trials: a head is fitted as a probe, set on its backbone, and both are trained together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.features.decoded_images import DecodedImages, read_pixels
from autotl.features.frozen_network import select_stages
from autotl.interfaces import Size
from autotl.predictions import Predictions
from autotl.runs.events import ActivationsCached, Progress
from autotl.runtime import keras_backend
from autotl.runtime.atomic_files import write_atomically
from autotl.runtime.blas_threads import threads_per_worker
from autotl.search.context import SearchContext
from autotl.search.fine_tune_cost import training_products
from autotl.search.heads import head_params
from autotl.search.outcome import Outcome, calibrated
from autotl.search.probe_trials import build_classifier
from autotl.search.replay_items import replay_items
from autotl.search.trial_files import GRAPH_FILE, NETWORK_FILE, REPLAY_FILE
from autotl.training.activation_cache import ActivationCache, CachedLayer, CannotCacheError, split_network
from autotl.training.fine_tuning import FineTuned, Inputs, PlainInputs, assemble, continue_from, epochs_for, train
from autotl.trial import Candidate, Reading, Training, TrainingDetails, format_size

if TYPE_CHECKING:
    import keras
    import keras_tuner

AfterEpoch = Callable[[int, Predictions], None]
"""Called with the epoch, from 1, and the predictions of the validation split; may raise to prune."""


@dataclass(frozen=True)
class _Network:
    """A head on a backbone whose lower stages are frozen, ready to be trained.

    backbone: the Keras model inside `model`; start: where its weights are from.
    """

    model: keras.Model
    backbone: keras.Model
    freeze_depth: int
    start: str


@dataclass(frozen=True)
class _Trained:
    """How a network was trained; fill_seconds: of caching its activations, None where that was not possible."""

    tuned: FineTuned
    how: str
    fill_seconds: float | None


def fine_tune(
    context: SearchContext,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    after_epoch: AfterEpoch,
    folder: Path,
    *,
    start_from: int | None = None,
) -> Outcome:
    """Run a fine-tune trial; its network is left in `folder`.

    start_from: a completed fine-tune trial of this run with the same reading and head, and fewer trainable stages:
        training starts from its weights. Where they do not fit, from the probe.
    """
    assert candidate.training is not None
    split, reading = context.run.split, candidate.reading
    context.inputs.get(candidate)  # outside the session, whose seeds are for the network alone
    with keras_backend.session(context.seed):
        network = _assemble(context, candidate, hp, start_from)
        trained = _train(context, candidate, candidate.training, network, after_epoch)
        _save(context, trained.tuned, reading.size, folder)
        work = context.costs.stage_work(candidate.backbone, reading.size, network.backbone)
    read = select_stages(tuple(work), reading.stage)[-1]
    above = sum(list(work.values())[network.freeze_depth : tuple(work).index(read) + 1])
    details = _details(
        candidate.training, network, trained, training_products(above, len(split.train), len(split.validation))
    )
    raw = Predictions(split.validation, context.labels[split.validation], trained.tuned.probabilities)
    predictions, temperature = calibrated(raw)
    device = str(keras_backend.device())
    return Outcome(head_params(hp, candidate.head.name), predictions, temperature, device, details)


def _assemble(
    context: SearchContext, candidate: Candidate, hp: keras_tuner.HyperParameters, start_from: int | None
) -> _Network:
    """Fit the head as a probe on the training split, set it on the backbone, and load earlier weights, if any."""
    assert candidate.training is not None
    train_items, reading, inputs = context.run.split.train, candidate.reading, context.inputs.get(candidate)
    classifier = build_classifier(context, candidate.head, hp, inputs.vectors.shape[1])
    classifier.fit(inputs.vectors[train_items], context.labels[train_items])
    head = classifier.network()
    if inputs.components:
        head = inputs.components.to_keras(head)
    backbone = candidate.backbone.build(*reading.size)
    model, freeze_depth = assemble(
        backbone, head, stage=reading.stage, pooling=reading.pooling,
        trainable_stages=candidate.training.trainable_stages,
    )  # fmt: skip
    start = "the fitted probe"
    if start_from is not None and continue_from(model, context.run.trial_folder(start_from) / NETWORK_FILE):
        start = f"trial {start_from}"
    return _Network(model, backbone, freeze_depth, start)


def _train(
    context: SearchContext, candidate: Candidate, training: Training, network: _Network, after_epoch: AfterEpoch
) -> _Trained:  # fmt: skip
    """Train from cached activations, or from pixels where they cannot be cached."""
    split, run = context.run.split, context.run
    place = np.searchsorted(split.development, np.arange(len(context.labels)))
    images = DecodedImages(
        run.dataset, split.development, candidate.reading.size, run.folder / "pixels", seconds_left=context.seconds_left
    )

    def run_on(inputs: Inputs) -> FineTuned:
        return train(
            network.model,
            training,
            inputs,
            context.labels[split.development],
            train_items=place[split.train],
            validation_items=place[split.validation],
            after_epoch=_reporter(context, after_epoch),
            seconds_left=context.seconds_left,
            seed=context.seed,
        )

    initial = network.model.get_weights()
    try:
        cached = _cached_inputs(context, candidate, training, network, images, place[split.train])
        run.emit(ActivationsCached(str(cached)))
        return _Trained(run_on(cached), str(cached), cached.seconds)
    except CannotCacheError as reason:
        how = f"plain: {reason}"
        run.emit(ActivationsCached(how))
    network.model.set_weights(initial)
    plain = PlainInputs(network.model, images, augment=training.augment, seed=context.seed)
    return _Trained(run_on(plain), how, None)


def _cached_inputs(
    context: SearchContext, candidate: Candidate, training: Training, network: _Network, images: DecodedImages,
    train_items: np.ndarray,
) -> ActivationCache:  # fmt: skip
    """Activations below the freeze depth; raises CannotCacheError."""
    reading, depth = candidate.reading, network.freeze_depth
    # One pass keeps what the deeper trials will train from, too.
    steps = [depth - deeper + training.trainable_stages for deeper in context.costs.step_depths(candidate)]
    parts = split_network(
        network.model, network.backbone, stage=reading.stage, pooling=reading.pooling, freeze_depth=depth,
        deeper=[step for step in steps if 0 < step < depth],
    )  # fmt: skip
    return ActivationCache(
        parts, images, folders=[_cache_folder(context, reading, layer) for layer in parts.layers],
        n_items=len(context.run.split.development), train_items=train_items, augment=training.augment,
        seed=context.seed, threads=threads_per_worker(context.run.config.workers), engine=context.settings.engine,
    )  # fmt: skip


def _cache_folder(context: SearchContext, reading: Reading, layer: CachedLayer) -> Path:
    name = f"{reading.backbone}-{format_size(reading.size)}-from{layer.freeze_depth}"
    pooled = f"-{reading.pooling}" if len(layer.outputs) > 1 else ""
    return context.run.folder / "pixels" / f"{name}{pooled}"


def _reporter(context: SearchContext, after_epoch: AfterEpoch) -> Callable[[int, np.ndarray], None]:
    """A callback after each epoch, which emits progress and passes the predictions on."""
    validation = context.run.split.validation
    began, n_epochs = time.monotonic(), epochs_for(len(context.run.split.train))

    def report(epoch: int, probabilities: np.ndarray) -> None:
        eta = (time.monotonic() - began) / epoch * (n_epochs - epoch)
        eta_seconds = round(max(0.0, min(eta, context.seconds_left())), 1)
        context.run.emit(Progress("fine-tuning", epoch, n_epochs, eta_seconds=eta_seconds))
        after_epoch(epoch, Predictions(validation, context.labels[validation], probabilities))

    return report


def _save(context: SearchContext, tuned: FineTuned, size: Size, folder: Path) -> None:
    """Leave the network, its graph, and its predictions of the replay items themselves.

    Cached activations are rounded to half precision: what was trained on does not tell what the network says exactly.
    """
    import keras

    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / GRAPH_FILE, tuned.to_onnx().SerializeToString())
    tuned.network.save(folder / NETWORK_FILE)
    items = replay_items(context.run.split, context.labels)
    pixels = np.stack([read_pixels(context.run.dataset, int(i), size) for i in items]).astype(np.float32)
    found = keras.ops.convert_to_numpy(tuned.network(pixels, training=False)).astype(np.float64)
    replay = Predictions(items, context.labels[items], found / found.sum(axis=1, keepdims=True))
    replay.save(folder / REPLAY_FILE)


def _details(training: Training, network: _Network, trained: _Trained, products: float) -> TrainingDetails:
    """What a record says of the training; products: multiplications of one epoch."""
    tuned = trained.tuned
    details: TrainingDetails = {
        **training.to_json(),
        "freeze_depth": network.freeze_depth, "epochs": tuned.epochs, "out_of_time": tuned.out_of_time,
        "start": network.start, "epoch_seconds": round(tuned.epoch_seconds, 3), "how": trained.how,
    }  # fmt: skip
    if trained.fill_seconds is not None:
        details["fill_seconds"] = round(trained.fill_seconds, 3)
        details["products_per_second"] = round(products / max(1e-6, tuned.epoch_seconds))
    return details
