"""Which backbone, size, stage and pooling are worth reading, judged on a sample of the images.

Each reading is judged by the held-out log loss of the untuned default head on a few hundred images. On stamps and
digits (two sizes, five stages, three poolings) that ranks readings as the log loss on all images does (Spearman 0.97 to
0.98); LogME (You et al. 2021, arXiv:2102.11005) on the same sample did worse (0.56 to 0.72), at about the same cost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np

from autotl.data.split import LEFT_OUT_FOLD, Split, reading_order
from autotl.interfaces import CROPPED, FeatureSource, Size
from autotl.predictions import Predictions, item_losses
from autotl.runs.events import Message
from autotl.search.backbone_tries import BackboneTries, count_unread, sample_seconds
from autotl.search.context import SearchContext
from autotl.search.count_inputs import read_values, sample_vectors
from autotl.search.feature_reader import AnyFeatures
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.limits import Limits
from autotl.search.probe_trials import build_classifier, fits_beside_others
from autotl.search.reading_score import ReadingScore
from autotl.search.space import Space
from autotl.targets import strata
from autotl.training.calibration import sharpened
from autotl.training.cross_validation import cross_validate
from autotl.trial import POOLINGS, STAGES, Reading, format_size

SAMPLE_ITEMS = 300
SCREENING_SHARE, SCREENING_ALLOWANCE = 0.1, 0.25
"""Reading a sample with one more backbone or size may take this share of the time left, and the second one in all."""
ASKED_SHARE = 0.4
"""The same for each of several backbones that were asked for by name, at its own size."""
GROWTH_GAIN = 0.1
"""Where a larger size lowered the sample's log loss by this share, the next may take twice the time to look at."""
Place: TypeAlias = tuple[str, Size]
"""A backbone by its name, and a size."""


def screen(context: SearchContext, limits: Limits) -> list[ReadingScore]:
    """Score every stage and pooling of each backbone and size whose sample can be read in little time, best first.

    The cheapest sample is read first, after those of backbones that were asked for by name; the order decides nothing
    but what there is time for. Where a larger size made
    the sample's log loss fall a good deal, the next larger one may take more time. A backbone that fails is left out
    with a message. What was tried, and what was not, is kept in run.json.
    """
    items = sample_items(context)
    tries, places = BackboneTries(context, items), _places(context.space)
    allowance = SCREENING_ALLOWANCE * limits.seconds_left()
    unread = dict(zip(places, count_unread(context, places, items), strict=True))
    found: dict[Place, list[ReadingScore]] = {}
    asked = _asked_for(context)
    while unread:
        costs = {place: sample_seconds(context, *place, n) for place, n in unread.items()}
        name, size = place = min(costs, key=lambda one: (one not in asked, costs[one]))
        needed = costs[place]
        del unread[place]
        share = SCREENING_SHARE * (2 if _gained_by_size(found, place) else 1)
        allowed = min(share * limits.seconds_left(), allowance)
        if place in asked:
            allowed = max(allowed, ASKED_SHARE * limits.seconds_left())
        if needed > allowed:
            tries.too_slow(name, size, needed)
            continue
        began = time.monotonic()
        readings = [Reading(name, size, stage, pooling) for stage in STAGES for pooling in POOLINGS]
        try:
            scores = score_readings(context, context.space.backbone(name), readings, items, max(allowed, allowance))
        except Exception as error:  # a broken backbone must not take the search down with it
            reason = f"{type(error).__name__}: {error}"
            context.run.emit(Message(f"{name} at {format_size(size)} is left out: {reason}"))
            tries.failed(name, size, error, needed)
            continue
        allowance -= time.monotonic() - began
        if scores:
            tries.tried(scores[0])
            found[place] = [replace(score, answers=None) for score in scores]
        else:
            tries.too_slow(name, size, needed)
    tries.keep()
    ranked = [score for place in places for score in found.get(place, ())]
    return sorted(ranked, key=lambda score: score.log_loss)


def _places(space: Space) -> list[Place]:
    """The backbones, each at its own size and smaller ones, and then at larger ones."""
    return [
        (name, size)
        for name, source in space.backbones.items()
        for size in sorted(source.sizes, key=lambda size: (size > source.sizes[0], size))
    ]


def _asked_for(context: SearchContext) -> set[Place]:
    """Each of several backbones that were asked for by name, or of crops, at its own size."""
    config, sources = context.run.config, context.space.backbones
    asked = [name for name in sources if config.backbones or (config.crops and CROPPED in name)]
    return {(name, sources[name].sizes[0]) for name in asked} if len(sources) > 1 else set()


def _gained_by_size(found: Mapping[Place, Sequence[ReadingScore]], place: Place) -> bool:
    """Whether the largest size below this one, of the same backbone, did much better than those below it."""
    smaller = sorted(other for other in found if other[0] == place[0] and other[1] < place[1])
    losses = [found[other][0].log_loss for other in smaller]
    return len(losses) > 1 and losses[-1] < (1 - GROWTH_GAIN) * min(losses[:-1])


def sample_items(context: SearchContext) -> np.ndarray:
    """A few hundred development items, the same every time, of every class as many as its share, but at least some."""
    development = context.run.split.development
    order = development[np.argsort(reading_order(len(context.labels), seed=context.seed)[development])]
    labels = strata(context.labels)[order]
    turn = np.empty(len(order), dtype=int)
    for label in range(int(labels.max(initial=-1)) + 1):
        mine = np.flatnonzero(labels == label)
        turn[mine] = np.arange(len(mine))
    # The first ten of every class, then any.
    first = np.argsort(np.maximum(turn, 10), kind="stable")
    return np.sort(order[first[:SAMPLE_ITEMS]])


def score_readings(
    context: SearchContext, backbone: FeatureSource, readings: Iterable[Reading], items: np.ndarray,
    seconds: float = math.inf,
) -> list[ReadingScore]:  # fmt: skip
    """Score readings of a backbone on a sample, best first; features are computed where they are not cached.

    They are scored side by side, in their order; what has not begun after so many seconds is left out.
    """
    began = time.monotonic()

    def score(reading: Reading, values: np.ndarray) -> ReadingScore | None:
        if time.monotonic() - began > seconds:
            return None
        answers = _held_out_answers(context, values, items)
        return ReadingScore(reading, float(item_losses(answers.labels, answers.probabilities).mean()), answers)

    work, known = [], set()
    for reading in readings:
        features = context.reader.features(backbone, reading.size, items)
        columns = features.network.select(reading.stage, reading.pooling)
        if columns in known:  # as where a source has one stage only, or stages without positions
            continue
        known.add(columns)
        work.append(partial(score, reading, read_values(features, reading, items)))
    beside = fits_beside_others(context, context.space.default_head)
    found = context.pool.map(work) if beside else [one() for one in work]
    return sorted((one for one in found if one), key=lambda one: one.log_loss)


def reading_losses(context: SearchContext, features: AnyFeatures, reading: Reading, items: np.ndarray) -> np.ndarray:
    """The default head's held-out log loss on a reading, calibrated: float (n,), in the order of the folds."""
    answers = _held_out_answers(context, read_values(features, reading, items), items)
    return item_losses(answers.labels, answers.probabilities)


def _held_out_answers(context: SearchContext, values: np.ndarray, items: np.ndarray) -> Predictions:
    """The default head's calibrated answers, with places in the sample as items.

    values: what was read from the items, float (n, n_columns).
    """
    whole, labels = context.run.split, context.labels[items]
    vectors = sample_vectors(context.space.default_head, values)
    head = build_classifier(context, context.space.default_head, fixed_hyperparameters({}), vectors.shape[1])
    found = cross_validate(head, vectors, labels, Split(whole.fold[items], whole.cluster[items])).predictions
    return replace(found, probabilities=sharpened(found.labels, found.probabilities)[0])


def sample_split(split: Split, items: np.ndarray) -> Split:
    """The same folds, with every item but these left out."""
    fold = np.full(len(split.fold), LEFT_OUT_FOLD)
    fold[items] = split.fold[items]
    return replace(split, fold=fold)
