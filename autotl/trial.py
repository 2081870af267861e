"""What a trial is: a reading, a head on top of it, and how they are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotl.interfaces import Size, TrialRecord

MAJORITY = "majority"
DEFAULT_HEAD = "logistic"


PROBE = "probe"

FINE_TUNE = "fine-tune"

ENSEMBLE = "ensemble"
"""A weighted mean of probes; no strategy that can be asked for, but one that a trial may have."""

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
    """What one trial tries; `training` is None for a probe."""

    strategy: str
    backbone: str
    size: Size
    stage: str
    pooling: str
    head: str
    training: Training | None = None


def format_size(size: Size) -> str:
    """A size as records and parameters name it."""
    return f"{size[0]}x{size[1]}"


def parse_size(name: str) -> Size:
    """The inverse of `text`."""
    height, width = name.split("x")
    return int(height), int(width)


@dataclass(frozen=True)
class Reading:
    """What is read from the images. size: (height, width); stage and pooling as in a candidate."""

    backbone: str
    size: Size
    stage: str
    pooling: str


def describe(candidate: Candidate) -> dict[str, Any]:
    """The fields of a record that say what was tried."""
    return {
        "strategy": candidate.strategy,
        "backbone": candidate.backbone,
        "size": format_size(candidate.size),
        "stage": candidate.stage,
        "pooling": candidate.pooling,
        "head": candidate.head,
    }


def candidate_of(trial: TrialRecord) -> Candidate:
    """The candidate that a record describes."""
    training = None
    if trial.strategy == FINE_TUNE:
        training = Training(**{name: trial.training[name] for name in Training.__dataclass_fields__})
    return Candidate(
        trial.strategy, trial.backbone, parse_size(trial.size), trial.stage, trial.pooling, trial.head, training
    )
