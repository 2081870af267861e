"""Probe trials: a head is cross-validated on the features of a frozen backbone."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from autotl.errors import ExportError, OutOfTimeError
from autotl.interfaces import Head
from autotl.predictions import Predictions
from autotl.runtime import keras_backend
from autotl.search.context import SearchContext
from autotl.search.heads import build_head, head_params, head_session
from autotl.search.outcome import Outcome, calibrated
from autotl.search.remote_heads import RemoteClassifier
from autotl.training.classifiers import Classifier, NetworkClassifier, wrap
from autotl.training.cross_validation import cross_validate
from autotl.trial import Candidate

if TYPE_CHECKING:
    import keras_tuner


def build_classifier(
    context: SearchContext, head: Head, hp: keras_tuner.HyperParameters, n_features: int
) -> Classifier:  # fmt: skip
    """A head with its parameters, wrapped as a classifier; those of other authors are in a process of their own."""
    if context.processes.is_foreign(head.name):
        return context.processes.classifier(
            head, hp, n_features=n_features, n_classes=context.n_classes, seed=context.seed,
            seconds_left=context.seconds_left.hard,
        )  # fmt: skip
    built = build_head(head, hp, n_features, context.n_classes)
    return wrap(head, built, n_features, context.n_classes, seed=context.seed)


def session_of(context: SearchContext, head: Head) -> AbstractContextManager[None]:
    """Where a head is built and fitted in this process."""
    here = not context.processes.is_foreign(head.name)
    return head_session(network=here and context.processes.traits(head).network, seed=context.seed)


def probe(
    context: SearchContext,
    candidate: Candidate,
    hp: keras_tuner.HyperParameters,
    after_fold: Callable[[int, Predictions], None] | None = None,
) -> Outcome:
    """Cross-validate a head on frozen features; after_fold(fold, predictions so far) may raise to prune.

    Raises OutOfTimeError after a fold where the time left does not suffice for the next.
    """
    head, n_folds = candidate.head, context.run.split.n_folds
    vectors = context.inputs.get(candidate).vectors
    began = time.monotonic()

    def fold_ended(fold: int, so_far: Predictions) -> None:
        nonlocal began
        context.costs.learn(head.name, time.monotonic() - began)
        if after_fold:
            after_fold(fold, so_far)
        if fold < n_folds - 1 and context.seconds_left() < context.costs.fit_cost(head.name):
            raise OutOfTimeError(f"the time ran out after {fold + 1} of {n_folds} folds")
        began = time.monotonic()

    with session_of(context, head):
        classifier = build_classifier(context, head, hp, vectors.shape[1])
        found = cross_validate(classifier, vectors, context.labels, context.run.split, after_fold=fold_ended)
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
