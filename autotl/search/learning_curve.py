"""The untuned default's learning curve, on features that have been read."""

from __future__ import annotations

import numpy as np

from autotl.evidence.extrapolation import LearningCurve
from autotl.predictions import Predictions
from autotl.search.context import SearchContext
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.outcome import calibrated
from autotl.search.probe_trials import build_classifier, session_of
from autotl.trial import Candidate

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
        for fold in range(n_folds):
            held_out = np.flatnonzero(split.fold == fold)
            train = np.setdiff1d(split.development, held_out)
            items.append(held_out)
            for share in SHARES:
                some = _share_of(train, labels, split.cluster, share, seed=context.seed)
                classifier.fit(vectors[some], labels[some])
                answers[share].append(classifier.probabilities(vectors[held_out]))
    known = whole.restrict(np.concatenate(items))
    found = [calibrated(Predictions(known.items, known.labels, np.concatenate(answers[share])))[0] for share in SHARES]
    return LearningCurve((*SHARES, 1.0), (*found, known))


def _share_of(train: np.ndarray, labels: np.ndarray, cluster: np.ndarray, share: float, *, seed: int) -> np.ndarray:
    """That share of each class, at least two of it, by whole clusters as far as possible; smaller shares lie within."""
    turn = np.random.default_rng(seed).permutation(int(cluster.max()) + 1)[cluster[train]]
    chosen = []
    for label in np.unique(labels[train]):
        own = np.flatnonzero(labels[train] == label)
        n_wanted = max(2, round(share * len(own)))
        chosen.append(own[np.argsort(turn[own], kind="stable")[:n_wanted]])
    return np.sort(train[np.concatenate(chosen)])
