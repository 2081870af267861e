"""Learning curves of heads on extracted features: of the untuned default, and on subsets of the data."""

from __future__ import annotations

import functools

import numpy as np

from autotl.evidence.extrapolation import LearningCurve
from autotl.predictions import Predictions
from autotl.search.context import SearchContext
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.outcome import calibrated
from autotl.search.probe_trials import build_classifier, fits_beside_others, session_of
from autotl.targets import LABELS, kind_of, strata
from autotl.training.calibration import cross_fit
from autotl.trial import Candidate, Params

SHARES = (0.25, 0.5)
"""Of the training images of each fold; the whole is known from the default's own trial."""
FEWEST_IMAGES = 40
"""With fewer development images a quarter of them teaches nothing."""


def measure_learning_curve(
    context: SearchContext, default: Candidate, whole: Predictions, *, n_folds: int
) -> LearningCurve:
    """Fit the default head to a quarter and to half of the training images of some folds.

    whole: the default's out-of-fold predictions. Groups stay whole, and each class keeps its share.
    """
    split, labels = context.run.split, context.labels
    vectors = context.inputs.get(default).vectors
    answers: dict[float, list[np.ndarray]] = {share: [] for share in SHARES}
    items = []
    with session_of(context, default.head):
        classifier = build_classifier(context, default.head, fixed_hyperparameters({}), vectors.shape[1])
        several = kind_of(labels) == LABELS and classifier.gives_margins
        ask = classifier.answers if several else classifier.probabilities
        for fold in range(n_folds):
            held_out = np.flatnonzero(split.fold == fold)
            train = np.setdiff1d(split.development, held_out)
            items.append(held_out)
            for share in SHARES:
                some = _share_of(train, strata(labels), split.cluster, share, seed=context.seed)
                classifier.fit(vectors[some], labels[some])
                answers[share].append(ask(vectors[held_out]))
    known = whole.restrict(np.concatenate(items))
    if several:  # calibrated as the whole is, which also chooses the strength of each label
        fold = split.fold[known.items]
        answers = {
            share: [cross_fit(np.concatenate(own), known.labels, fold, context.n_classes)]
            for share, own in answers.items()
        }
    found = [calibrated(Predictions(known.items, known.labels, np.concatenate(answers[share])))[0] for share in SHARES]
    return LearningCurve((*SHARES, 1.0), (*found, known))


def _share_of(train: np.ndarray, labels: np.ndarray, cluster: np.ndarray, share: float, *, seed: int) -> np.ndarray:
    """That share of each class, at least two of it, by whole clusters as far as possible; smaller shares lie within.

    labels: int (n_items,), of labels and numbers the `strata`.
    """
    turn = np.random.default_rng(seed).permutation(int(cluster.max()) + 1)[cluster[train]]
    chosen = []
    for label in np.unique(labels[train]):
        own = np.flatnonzero(labels[train] == label)
        n_wanted = max(2, round(share * len(own)))
        chosen.append(own[np.argsort(turn[own], kind="stable")[:n_wanted]])
    return np.sort(train[np.concatenate(chosen)])


def answers_of_subset(
    context: SearchContext, candidate: Candidate, params: Params, share: float, *, label: int | None = None,
    n_folds: int, most_columns: int,
) -> Predictions:  # fmt: skip
    """Answers to the items of some folds by heads fitted to a share of the other folds.

    label: if given, only this class is subsampled, and only its items are answered. Its remaining items are repeated so
    that the class prior is unchanged and only information is lost. most_columns: the largest number of columns of the
    heads' inputs, if these are principal components.
    """
    split, labels = context.run.split, context.labels
    vectors = context.inputs.get(candidate).vectors
    if candidate.head.on_components and isinstance(vectors, np.ndarray):
        vectors = vectors[:, :most_columns]

    def answer(fold: int) -> tuple[np.ndarray, np.ndarray]:
        held_out = np.flatnonzero(split.fold == fold)
        train = np.setdiff1d(split.development, held_out)
        if label is None:
            rows = _share_of(train, strata(labels), split.cluster, share, seed=context.seed)
        else:
            own = train[labels[train] == label]
            fewer = _share_of(own, labels, split.cluster, share, seed=context.seed)
            rows = np.concatenate([train[labels[train] != label], np.resize(fewer, len(own))])
            held_out = held_out[labels[held_out] == label]
        classifier = build_classifier(context, candidate.head, fixed_hyperparameters(params), vectors.shape[1])
        classifier.fit(vectors[rows], labels[rows])
        return held_out, classifier.probabilities(vectors[held_out])

    tasks = [functools.partial(answer, fold) for fold in range(n_folds)]
    with session_of(context, candidate.head):
        found = context.pool.map(tasks) if fits_beside_others(context, candidate.head) else [task() for task in tasks]
    items = np.concatenate([rows for rows, _ in found])
    return Predictions(items, labels[items], np.concatenate([answers for _, answers in found]))
