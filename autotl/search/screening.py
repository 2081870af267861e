"""Which backbone, size, stage and pooling are worth reading, judged on a sample of the images.

Each reading is judged by the held-out log loss of the untuned default head on a few hundred images. On stamps and
digits (two sizes, five stages, three poolings) that ranks readings as the log loss on all images does (Spearman 0.97 to
0.98); LogME (You et al. 2021, arXiv:2102.11005) on the same sample did worse (0.56 to 0.72), at about the same cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from autotl.data.split import LEFT_OUT_FOLD, Split
from autotl.predictions import log_loss
from autotl.search.hyperparameters import fixed_hyperparameters
from autotl.search.laboratory import Laboratory
from autotl.training.calibration import apply_temperature, fit_temperature
from autotl.training.components import fit_components
from autotl.training.cross_validation import cross_validate
from autotl.trial import (
    DEFAULT_HEAD,
    PROBE,
    Candidate,
    Reading,
)

SCOUT_SHARE, SCOUT_ALLOWANCE = 0.06, 0.25
"""Reading a sample with one more backbone or size may take this share of the time left, and the second one in all."""
GROWTH_GAIN = 0.1
"""Where a larger size lowered the sample's log loss by this share, the next may take twice the time to look at."""
SCOUT_SETUP_SECONDS = 6.0
"""Building a network and writing its graph, the first time."""

SAMPLE_ITEMS = 300


@dataclass(frozen=True)
class ReadingScore:
    """How well the default head does on a reading of the sample: its mean held-out log loss, calibrated."""

    reading: Reading
    log_loss: float

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {**asdict(self.reading), "log_loss": round(self.log_loss, 4)}


def sample_items(laboratory: Laboratory) -> np.ndarray:
    """A few hundred development items, the same every time, of every class as many as its share, but at least some."""
    development = laboratory.run.split.development
    rng = np.random.default_rng(laboratory.run.config.seed)
    order = rng.permutation(development)
    labels = laboratory.labels[order]
    turn = np.empty(len(order), dtype=int)
    for label in range(laboratory.n_classes):
        mine = np.flatnonzero(labels == label)
        turn[mine] = np.arange(len(mine))
    # The first ten of every class, then whatever comes.
    first = np.argsort(np.maximum(turn, 10), kind="stable")
    return np.sort(order[first[:SAMPLE_ITEMS]])


def score_readings(laboratory: Laboratory, readings: Iterable[Reading], items: np.ndarray) -> list[ReadingScore]:
    """Judge readings on a sample, best first; their features of the sample are computed where they are not cached."""
    split = sample_split(laboratory.run.split, items)
    ranks = []
    for reading in readings:
        features = laboratory.features(reading.backbone, reading.size, items)
        principal = fit_components(partial(features.read, reading.stage, reading.pooling), items, seed=0)
        vectors = np.zeros((len(laboratory.labels), len(principal.offset)), dtype=np.float32)
        vectors[items] = principal(features.read(reading.stage, reading.pooling, items))
        candidate = Candidate(PROBE, reading.backbone, reading.size, reading.stage, reading.pooling, DEFAULT_HEAD)
        head = laboratory.head(candidate, fixed_hyperparameters({}), vectors.shape[1])
        found = cross_validate(head, vectors, laboratory.labels, split).predictions
        temperature = fit_temperature(found.labels, found.probabilities)
        calibrated = apply_temperature(found.probabilities, temperature)
        ranks.append(ReadingScore(reading, log_loss(found.labels, calibrated)))
    return sorted(ranks, key=lambda rank: rank.log_loss)


def sample_split(split: Split, items: np.ndarray) -> Split:
    """The same folds, with every item but these left out."""
    fold = np.full(len(split.fold), LEFT_OUT_FOLD)
    fold[items] = split.fold[items]
    return replace(split, fold=fold)


def reading_score_from_json(stored: dict[str, Any]) -> ReadingScore:
    """The inverse of `Rank.to_json`."""
    loss = stored["log_loss"]
    reading = {name: value for name, value in stored.items() if name != "log_loss"}
    return ReadingScore(Reading(**{**reading, "size": tuple(stored["size"])}), loss)
