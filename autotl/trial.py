"""What a trial is: a reading, a head on top of it, and how they are trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from autotl.interfaces import Backbone, Head, Reading, TrialRecord

PROBE, FINE_TUNE = "probe", "fine-tune"
MAJORITY, ENSEMBLE = "majority", "ensemble"
"""Strategies that cannot be asked for: the most frequent class as every answer, and a weighted mean of probes."""

DEFAULT_HEAD = "logistic"
POOLINGS = ("avg+max", "avg", "max")
STAGES = ("joined", "top", "top-1", "top-2", "top-3")
MAX_DEPTH = 6
"""The most stages that are trained."""
LEARNING_RATE, WEIGHT_DECAY = 5e-4, 1e-4
"""Of fine-tuning, where nothing else is asked for."""


@dataclass(frozen=True)
class Training:
    """How the layers above the freeze depth are trained.

    trainable_stages: stages counted from the deepest one read; the freeze depth is what remains below them.
    """

    trainable_stages: int
    learning_rate: float
    weight_decay: float
    augment: bool


@dataclass(frozen=True)
class Candidate:
    """What one trial tries.

    backbone: the one that the reading names; training: None for a probe.
    """

    strategy: str
    backbone: Backbone
    reading: Reading
    head: Head
    training: Training | None = None


def describe(candidate: Candidate, number: int, *, started: float) -> TrialRecord:
    """The record of a trial that has begun: it counts as failed until it has ended in another way.

    started: seconds since the epoch.
    """
    training = asdict(candidate.training) if candidate.training else {}
    return TrialRecord(
        number, "failed", candidate.strategy, candidate.reading, candidate.head.name, training=training, started=started
    )


def candidate_of(trial: TrialRecord, *, backbone: Backbone, head: Head) -> Candidate:
    """The candidate that a record describes; backbone, head: those that it names."""
    assert trial.reading is not None
    training = None
    if trial.strategy == FINE_TUNE:
        training = Training(**{field.name: trial.training[field.name] for field in fields(Training)})
    return Candidate(trial.strategy, backbone, trial.reading, head, training)
