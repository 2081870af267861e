"""The untuned default's view of the data, for the checks that need a model: predictions, domain shift, inflation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autotl.checks.domain_shift import measure_shift
from autotl.data.split import random_split
from autotl.errors import AutoTLError
from autotl.evidence.intervals import paired_difference
from autotl.features.decoded_images import read_pixels
from autotl.images.decoder import UnreadableImage
from autotl.interfaces import Backbone, DefaultProbe, DomainShift, ScoreInterval
from autotl.predictions import Predictions
from autotl.search.context import SearchContext
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.probe_trials import begin_folds
from autotl.training.cross_validation import cross_validate
from autotl.trial import Candidate

SHIFT_IMAGES = 64
"""A value then spreads by about 0.01 from sample to sample."""
_FEWEST_SHIFT_IMAGES = 16
"""With fewer the distance is biased upwards: photographs seem foreign."""


@dataclass(frozen=True)
class ProbeFindings:
    """What was found out with the default probe.

    inflation: accuracy of the probe under random folds minus that under folds that keep near-duplicates and groups
        together, on the same items; those that stand alone count as unchanged. None if nothing is kept together.
    """

    probe: DefaultProbe
    inflation: ScoreInterval | None


def probe_default(context: SearchContext, default: Candidate, predictions: Predictions) -> ProbeFindings:
    """Look at the data through the default candidate's out-of-fold predictions."""
    probe = DefaultProbe(
        items=predictions.items,
        labels=predictions.labels,
        probabilities=predictions.probabilities,
        backbone=default.backbone.name,
        shift=_shift(context, default),
    )
    return ProbeFindings(probe, _inflation(context, default, predictions))


def _inflation(context: SearchContext, default: Candidate, kept_together: Predictions) -> ScoreInterval | None:
    split = context.run.split
    cluster = split.cluster[split.development]
    if len(np.unique(cluster)) == len(cluster):
        return None
    vectors = context.inputs.get(default).vectors
    labels = context.labels
    mixed = random_split(split, labels, seed=context.seed)
    folds = begin_folds(context, default.head, fixed_hyperparameters({}), vectors, mixed)
    try:
        at_random = cross_validate(folds.classifiers[-1], vectors, labels, mixed, answers=folds.answer).predictions
    finally:
        folds.close()
    order, other = np.argsort(kept_together.items), np.argsort(at_random.items)
    # Between two draws of folds the items that stand alone differ by chance only, which would drown the rest.
    alone = (np.bincount(cluster)[cluster] == 1)[:, None]
    ours = kept_together.probabilities[order]
    theirs = np.where(alone, ours, at_random.probabilities[other])
    return paired_difference(_accuracy, kept_together.labels[order], ours, theirs, groups=cluster)


def _accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())


def _shift(context: SearchContext, default: Candidate) -> DomainShift | None:
    """The distance of a stratified sample from what the backbone was trained on; None if it cannot be measured."""
    dataset = context.run.dataset
    if len(dataset.items) < _FEWEST_SHIFT_IMAGES or not isinstance(default.backbone, Backbone):
        return None
    rng = np.random.default_rng(context.seed)
    # One of each class in turn, until there are enough.
    order = rng.permutation(len(dataset.labels))
    turn = np.empty(len(order), dtype=int)
    for label in range(len(dataset.classes)):
        mine = order[dataset.labels[order] == label]
        turn[mine] = np.arange(len(mine))
    chosen = order[np.argsort(turn[order], kind="stable")][:SHIFT_IMAGES]
    try:
        crop = context.reader.crop(default.backbone)
        images = np.stack([read_pixels(dataset, int(item), default.reading.size, crop) for item in chosen])
        return measure_shift(default.network, default.reading.size, images)
    except (AutoTLError, UnreadableImage):  # a changed file, or a graph that cannot be written, is reported elsewhere
        return None
