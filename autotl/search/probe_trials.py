"""Probe trials: a head is cross-validated on the features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from autotl.data.split import Split
from autotl.errors import ExportError, OutOfTimeError
from autotl.interfaces import Head
from autotl.predictions import Predictions
from autotl.runtime import keras_backend
from autotl.search.context import SearchContext
from autotl.search.fold_pool import Folds
from autotl.search.heads import build_head, head_params, head_session
from autotl.search.outcome import Outcome, calibrated
from autotl.search.remote_heads import RemoteClassifier
from autotl.training.classifiers import Classifier, NetworkClassifier
from autotl.training.cross_validation import FoldAnswers, cross_validate
from autotl.training.target_heads import build_for
from autotl.trial import Candidate

if TYPE_CHECKING:
    import keras_tuner


def build_classifier(
    context: SearchContext, head: Head, hp: keras_tuner.HyperParameters, n_features: int
) -> Classifier:  # fmt: skip
    """A head with its parameters, wrapped as a classifier; those of other authors are in a process of their own."""
    kind = context.target.kind
    if context.processes.is_foreign(head.name):
        return context.processes.classifier(
            head, hp, n_features=n_features, n_classes=context.n_classes, seed=context.seed,
            seconds_left=context.seconds_left.hard, kind=kind,
        )  # fmt: skip
    return build_for(kind, head, partial(build_head, head, hp), n_features, context.n_classes, seed=context.seed)


def session_of(context: SearchContext, head: Head) -> AbstractContextManager[None]:
    """Where a head is built and fitted in this process."""
    here = not context.processes.is_foreign(head.name)
    return head_session(network=here and context.processes.traits(head).network, seed=context.seed)


def fits_beside_others(context: SearchContext, head: Head) -> bool:
    """Whether a head can be fitted in several threads at once: ours can, but for networks, whose seeds are global."""
    ours = context.plugins.owner(Head, head.name).origin == "ours"
    return context.pool.n_threads > 1 and ours and not context.processes.traits(head).network


def begin_folds(
    context: SearchContext, head: Head, hp: keras_tuner.HyperParameters, vectors: np.ndarray, split: Split | None = None
) -> Folds:  # fmt: skip
    """Build a head with its parameters and begin to cross-validate it, side by side with others where it can be.

    vectors: float32 (n_items, n_features); split: the run's where none is given. Close what is returned.
    """
    split = split or context.run.split
    n = split.n_folds if fits_beside_others(context, head) else 1
    classifiers = [build_classifier(context, head, hp, vectors.shape[1]) for _ in range(n)]
    return Folds(context.pool, classifiers, vectors, context.labels, split)


@dataclass(frozen=True)
class ProbeAhead:
    """A probe whose folds are being computed."""

    vectors: np.ndarray
    folds: Folds


def begin_probe(context: SearchContext, candidate: Candidate, hp: keras_tuner.HyperParameters) -> ProbeAhead:
    """Begin a probe of a head that `fits_beside_others`; `probe` ends it."""
    vectors = context.inputs.get(candidate).vectors
    return ProbeAhead(vectors, begin_folds(context, candidate.head, hp, vectors))


def probe(
    context: SearchContext,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    after_fold: Callable[[int, Predictions], None] | None = None,
    ahead: ProbeAhead | None = None,
) -> Outcome:
    """Cross-validate a head on frozen features; after_fold(fold, predictions so far) may raise to prune.

    ahead: where it has begun. Raises OutOfTimeError after a fold where the time left does not suffice for the next.
    """
    head, n_folds = candidate.head, context.run.split.n_folds
    vectors = ahead.vectors if ahead else context.inputs.get(candidate).vectors
    with session_of(context, head):
        folds = ahead.folds if ahead else begin_folds(context, head, hp, vectors)

        def answer(fold: int) -> FoldAnswers:
            found = folds.answer(fold)
            context.costs.learn(head.name, found.seconds)
            return found

        def fold_ended(fold: int, so_far: Predictions) -> None:
            if after_fold:
                after_fold(fold, so_far)
            left, needed = context.seconds_left(), context.costs.fit_cost(head.name)
            if fold < n_folds - 1 and left < needed and (left <= 0 or not folds.is_ready(fold + 1)):
                raise OutOfTimeError(f"the time ran out after {fold + 1} of {n_folds} folds")

        classifier = folds.classifiers[-1]
        try:
            found = cross_validate(
                classifier, vectors, context.labels, context.run.split, after_fold=fold_ended, answers=answer
            )
        finally:
            folds.close()
        obstacle = _export_obstacle(context, head, classifier)
    device = str(keras_backend.device()) if isinstance(classifier, NetworkClassifier) else keras_backend.processor()
    if isinstance(classifier, RemoteClassifier):
        device = classifier.device
    predictions, temperature = calibrated(found.predictions)
    return Outcome(
        head_params(hp, head.name), predictions, temperature, device, calibration=found.calibration, obstacle=obstacle
    )


def _export_obstacle(context: SearchContext, head: Head, classifier: Classifier) -> str:
    """Why another author's head cannot be exported, tried once per head; empty if it can."""
    if context.plugins.owner(Head, head.name).origin == "ours" or head.name in context.exportable:
        return context.exportable.get(head.name, "")
    try:
        classifier.to_onnx()
        context.exportable[head.name] = ""
    except ExportError as error:
        context.exportable[head.name] = str(error)
    return context.exportable[head.name]
