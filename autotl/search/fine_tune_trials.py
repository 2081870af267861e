"""Fine-tune trials: a head is fitted as a probe, set on its backbone, and both are trained together.

A trial is measured like a probe: one network for each fold, all with the same choices and from the same cached
activations, each of which predicts the items it was not trained on. The network of the first fold is the one that is
kept; the temperature is that of all folds together.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotl.features.decoded_images import DecodedImages
from autotl.features.frozen_network import select_stages
from autotl.predictions import Predictions
from autotl.runtime import keras_backend
from autotl.search.context import SearchContext
from autotl.search.fine_tune_cost import training_products
from autotl.search.heads import head_params
from autotl.search.network_training import PIXELS, CutNetwork, fit_head, progress_of, save_network, together, train_on
from autotl.search.outcome import Outcome, calibrated
from autotl.search.probe_trials import build_classifier
from autotl.search.pruning import Judge
from autotl.search.trial_files import FIRST_CYCLE_FILE, NETWORK_FILE, trial_file
from autotl.training.classifiers import Classifier
from autotl.training.fine_tuning import (
    FineTuned,
    Inputs,
    assemble,
    continue_from,
    cycles_for,
    train,
)
from autotl.trial import Candidate, Training, TrainingDetails

if TYPE_CHECKING:
    import keras
    import keras_tuner

FOLDS_SHARE, FOLDS_SHARE_OF_STEP = 0.3, 0.15
"""Share of the time left after the first fold that the other folds may take: of a trial that is searched, and of a step
of the schedule, after which the deeper ones come."""


@dataclass(frozen=True)
class _Network:
    """A head on a backbone whose lower stages are frozen, ready to be trained.

    head: the Keras model inside `model`, and backbone: the other one. initial: the weights of `model` before any
    training, of the backbone as it comes. start: where its weights are from.
    """

    model: keras.Model
    backbone: keras.Model
    head: keras.Model
    classifier: Classifier
    initial: list[np.ndarray]
    freeze_depth: int
    start: str


@dataclass(frozen=True)
class _Trained:
    """How a network was trained on its first fold, and what all folds say.

    fill_seconds: of caching its activations, None if that was not possible. why_not_all: why not every fold.
    """

    tuned: FineTuned
    how: str
    fill_seconds: float | None
    seconds: float
    predictions: Predictions
    n_folds: int
    why_not_all: str


@dataclass(frozen=True)
class Options:
    """How a fine-tune trial is run.

    judge: receives its predictions and may end it. start_from: a completed fine-tune trial of this run with the same
    reading and head, and fewer trainable stages: training starts from its weights; where they do not fit, from the
    probe. searched: whether its choices were sampled, and not the schedule's. max_seconds: of training one fold.
    most_folds: the largest number of folds to measure it on; None for as many as the time allows.
    """

    judge: Judge = field(default_factory=Judge)
    start_from: int | None = None
    searched: bool = False
    max_seconds: float = math.inf
    most_folds: int | None = None


def fine_tune(
    context: SearchContext, candidate: Candidate, hp: keras_tuner.HyperParameters, folder: Path,
    options: Options | None = None,
) -> Outcome:  # fmt: skip
    """Run a fine-tune trial; the network of its first fold is left in `folder`."""
    assert candidate.training is not None
    options = options or Options()
    split, reading = context.run.split, candidate.reading
    context.inputs.get(candidate)  # outside the session, whose seeds are for the network alone
    with keras_backend.session(context.seed):
        network = _assemble(context, candidate, hp, options)
        trained = _train(context, candidate, network, options, folder)
        work = context.costs.stage_work(candidate.network, reading.size, network.backbone)
    read = select_stages(tuple(work), reading.stage)[-1]
    above = sum(list(work.values())[network.freeze_depth : tuple(work).index(read) + 1])
    details = _details(
        candidate.training, network, trained, training_products(above, len(split.train), len(split.validation))
    )
    predictions, temperature = calibrated(trained.predictions)
    device = str(keras_backend.device())
    return Outcome(head_params(hp, candidate.head.name), predictions, temperature, device, details)


def _assemble(
    context: SearchContext, candidate: Candidate, hp: keras_tuner.HyperParameters, options: Options
) -> _Network:  # fmt: skip
    """Fit the head as a probe on the training split, set it on the backbone, and load earlier weights, if any."""
    assert candidate.training is not None
    reading, training = candidate.reading, candidate.training
    width = context.inputs.get(candidate).vectors.shape[1]
    classifier = build_classifier(context, candidate.head, hp, width)
    head = fit_head(context, candidate, classifier, context.run.split.train)
    backbone = candidate.network.build(*reading.size)
    model, freeze_depth = assemble(
        backbone, head, stage=reading.stage, pooling=reading.pooling, trainable_stages=training.trainable_stages,
        dropout=training.dropout,
    )  # fmt: skip
    initial, start = model.get_weights(), "the fitted probe"
    number = options.start_from
    if number is not None and continue_from(model, trial_file(context.run, number, NETWORK_FILE)):
        start = f"trial {number}"
    return _Network(model, backbone, head, classifier, initial, freeze_depth, start)


def _restart(context: SearchContext, candidate: Candidate, network: _Network, fold: int, options: Options) -> None:
    """Give a network the weights with which another fold begins: none of them have seen its items.

    How the head scales its input stays that of the first fold, as the components are those of all folds: neither knows
    labels.
    """
    items = np.setdiff1d(context.run.split.development, np.flatnonzero(context.run.split.fold == fold))
    network.model.set_weights(network.initial)
    network.head.set_weights(fit_head(context, candidate, network.classifier, items).get_weights())
    if options.start_from is not None:
        continue_from(network.model, _weights_file(context, options.start_from, fold))


def _train(
    context: SearchContext, candidate: Candidate, network: _Network, options: Options, folder: Path
) -> _Trained:  # fmt: skip
    """Train from cached activations, or from pixels where they cannot be cached."""
    training, run, depth = candidate.training, context.run, network.freeze_depth
    assert training is not None
    development = run.split.development
    images = DecodedImages(
        run.dataset.part(candidate.network.modality), development, candidate.reading.size, run.folder / PIXELS,
        seconds_left=context.seconds_left, crop=context.reader.crop(candidate.backbone),
    )  # fmt: skip
    # One pass keeps what the deeper trials will train from, too.
    steps = [depth - deeper + training.trainable_stages for deeper in context.costs.step_depths(candidate)]
    cut = CutNetwork(
        network.model, network.backbone, depth, candidate.reading, training,
        deeper=[step for step in steps if 0 < step < depth],
    )  # fmt: skip
    found, how, fill_seconds = train_on(
        run, cut, images, lambda inputs: _train_folds(context, candidate, network, options, inputs, folder),
        n_items=len(development), engine=context.settings.engine,
    )  # fmt: skip
    return replace(found, how=how, fill_seconds=fill_seconds)


def _train_folds(
    context: SearchContext, candidate: Candidate, network: _Network, options: Options, inputs: Inputs, folder: Path
) -> _Trained:  # fmt: skip
    """Train on the first fold, and on the others as long as that is worth it and the time allows it."""
    split, parts, why = context.run.split, [], ""
    first, seconds, allowed = None, 0.0, 0.0
    for fold in range(split.n_folds):
        began = time.monotonic()
        if fold:
            _restart(context, candidate, network, fold, options)
        items = np.flatnonzero(split.fold == fold)
        first_cycle = folder / FIRST_CYCLE_FILE if fold == 0 else None
        tuned = _train_fold(context, candidate, network, options, inputs, fold, first_cycle)
        if first is not None and tuned.out_of_time:
            why = "the time ran out"
            break
        parts.append(Predictions(items, context.labels[items], tuned.probabilities))
        allowed -= time.monotonic() - began
        why = options.judge.after_fold(fold, together(parts))
        if first is None:
            first, seconds = tuned, time.monotonic() - began
            save_network(context, tuned, candidate, folder)
            # A trial requested by name has no time limit; its further folds do.
            allowed = (FOLDS_SHARE if options.searched else FOLDS_SHARE_OF_STEP) * context.seconds_left.hard()
        elif not options.searched:
            _keep_weights(context, network.model, int(folder.name), fold)
        if not why and fold < split.n_folds - 1 and (first.out_of_time or seconds > allowed):
            why = f"each takes about {seconds:.0f} s, and {max(0.0, context.seconds_left.hard()):.0f} s are left"
        if len(parts) == options.most_folds:
            why = why or "without a budget, further folds may take only a share of the work of all trials so far"
        if why:
            break
    assert first is not None
    why = why if len(parts) < split.n_folds else ""
    return _Trained(first, "", None, seconds, together(parts), len(parts), why)


def _train_fold(
    context: SearchContext, candidate: Candidate, network: _Network, options: Options, inputs: Inputs,
    fold: int, first_cycle: Path | None,
) -> FineTuned:  # fmt: skip
    """Train on all folds but one, which is predicted; first_cycle: where what is judged then is kept."""
    split, training = context.run.split, candidate.training
    assert training is not None
    items = np.flatnonzero(split.fold == fold)
    ends = time.monotonic() + options.max_seconds
    n_train = len(split.development) - len(items)
    # Of the first fold alone, then of all of them.
    n_folds = int(min(options.most_folds or math.inf, split.n_folds)) if fold else 1

    def after_cycle(cycle: int, probabilities: np.ndarray) -> None:
        if first_cycle and cycle == 1:
            found = Predictions(items, context.labels[items], probabilities)
            first_cycle.parent.mkdir(parents=True, exist_ok=True)
            found.save(first_cycle)
            options.judge.after_cycle(found)

    return train(
        network.model,
        training,
        inputs,
        context.labels[split.development],
        train_items=np.searchsorted(split.development, np.setdiff1d(split.development, items)),
        validation_items=np.searchsorted(split.development, items),
        after_epoch=progress_of(context.run, n_train, fold=fold, n_folds=n_folds, seconds_left=context.seconds_left),
        seconds_left=lambda: min(context.seconds_left(), ends - time.monotonic()),
        seed=context.seed,
        cycles=cycles_for(n_train),
        after_cycle=after_cycle,
    )


def _weights_file(context: SearchContext, number: int, fold: int) -> Path:
    return context.run.folder / PIXELS / f"weights-of-trial-{number:04d}" / f"fold{fold}.weights.h5"


def _keep_weights(context: SearchContext, model: keras.Model, number: int, fold: int) -> None:
    """Keep the weights of a fold beside the activations, which are removed with the search."""
    file = _weights_file(context, number, fold)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        model.save_weights(file)
    except OSError:  # a deeper trial then starts from the probe
        file.unlink(missing_ok=True)


def _details(training: Training, network: _Network, trained: _Trained, products: float) -> TrainingDetails:
    """What a record says of the training; products: multiplications of one epoch."""
    tuned = trained.tuned
    details: TrainingDetails = {
        **training.to_json(),
        "folds": trained.n_folds, "freeze_depth": network.freeze_depth, "epochs": tuned.epochs,
        "out_of_time": tuned.out_of_time, "start": network.start, "epoch_seconds": round(tuned.epoch_seconds, 3),
        "fold_seconds": round(trained.seconds, 3), "how": trained.how,
    }  # fmt: skip
    if trained.why_not_all:
        details["why_not_all_folds"] = trained.why_not_all
    if trained.fill_seconds is not None:
        details["fill_seconds"] = round(trained.fill_seconds, 3)
        details["products_per_second"] = round(products / max(1e-6, tuned.epoch_seconds))
    return details
