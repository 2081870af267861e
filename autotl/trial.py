"""What a trial is: a reading (backbone, size, stage, pooling), a head on top of it, and how they are trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, TypedDict

from autotl.interfaces import UNDEFINED, Backbone, FeatureSource, Head, ScoreInterval, Size
from autotl.runs.config import ENSEMBLE as ENSEMBLE
from autotl.runs.config import FINE_TUNE as FINE_TUNE
from autotl.runs.config import FRAME_VOTE as FRAME_VOTE
from autotl.runs.config import MAJORITY as MAJORITY
from autotl.runs.config import PROBE as PROBE

Params: TypeAlias = Mapping[str, float | int | str | bool]
"""Parameters by their full names."""

Cause: TypeAlias = Literal["", "obstacle", "time", "crash", "lost", "export"]

POOLINGS = ("avg+max", "avg", "max")
STAGES = ("joined", "top", "top-1", "top-2", "top-3")
MAX_DEPTH = 6
"""The most stages that are trained."""
LEARNING_RATE, WEIGHT_DECAY = 5e-4, 1e-4
"""Of fine-tuning, where nothing else is asked for."""


@dataclass(frozen=True)
class Reading:
    """What is read from the images.

    backbone: its name. stage: "top", the deepest; "top-1" and so on, the ones above it; "joined", all of them; empty
        for an ensemble, whose members read several. pooling: "avg", "max" or "avg+max"; empty for an ensemble.
    """

    backbone: str
    size: Size
    stage: str
    pooling: str

    @property
    def place(self) -> tuple[str, Size]:
        """The backbone and the size: one pass over the images gives every reading of one place."""
        return self.backbone, self.size

    def to_json(self) -> dict[str, str]:
        """Plain values, with the size as text."""
        return {
            "backbone": self.backbone, "size": format_size(self.size), "stage": self.stage, "pooling": self.pooling,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, str]) -> Reading | None:
        """Read what `to_json` returned, among other keys; None if no backbone is named."""
        if not document["backbone"]:
            return None
        return cls(document["backbone"], parse_size(document["size"]), document["stage"], document["pooling"])


_READING_KEYS = tuple(field.name for field in fields(Reading))
_NESTED_KEYS = (*_READING_KEYS, *(field.name for field in fields(ScoreInterval)))


@dataclass(frozen=True)
class Training:
    """How the layers above the freeze depth are trained.

    trainable_stages: stages counted from the deepest one read; the freeze depth is what remains below them.
    dropout: share of the features that the head does not see in a step, from 0 to 1. label_smoothing: share of each
    target that is spread over all classes, from 0 to 1.
    """

    trainable_stages: int
    learning_rate: float
    weight_decay: float
    augment: bool
    dropout: float = 0.0
    label_smoothing: float = 0.0

    def to_json(self) -> TrainingDetails:
        """The choices, as the record of a trial begins with them."""
        return {
            "trainable_stages": self.trainable_stages, "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay, "augment": self.augment, "dropout": self.dropout,
            "label_smoothing": self.label_smoothing,
        }  # fmt: skip

    @classmethod
    def from_json(cls, details: TrainingDetails) -> Training:
        """Read the choices among the details of a record."""
        told: Mapping[str, Any] = {**details}
        return cls(**{field.name: told[field.name] for field in fields(cls) if field.name in told})


class TrainingDetails(TypedDict, total=False):
    """What a record says of a fine-tune trial: the choices of its `Training`, and how it went.

    folds: as many as it was measured on; why_not_all_folds: why not on all, only where there are more. epochs: as many
    as were trained in the first fold; out_of_time: whether there would have been more. start: where the weights are
    from. how: from what it was trained. fold_seconds: of the first fold. fill_seconds, products_per_second: only where
    the activations were cached.
    """

    trainable_stages: int
    learning_rate: float
    weight_decay: float
    augment: bool
    dropout: float
    label_smoothing: float
    folds: int
    why_not_all_folds: str
    fold_seconds: float
    freeze_depth: int
    epochs: int
    out_of_time: bool
    start: str
    epoch_seconds: float
    how: str
    fill_seconds: float
    products_per_second: int


@dataclass(frozen=True)
class Candidate:
    """What one trial tries.

    backbone: the one that the reading names; training: None for a probe.
    """

    strategy: str
    backbone: FeatureSource
    reading: Reading
    head: Head
    training: Training | None = None

    @property
    def network(self) -> Backbone:
        """The backbone of a fine-tune trial; TypeError for an encoder, which cannot be trained."""
        if not isinstance(self.backbone, Backbone):
            raise TypeError(f"{self.backbone.name!r} is an encoder, which cannot be fine-tuned")
        return self.backbone


@dataclass(frozen=True)
class TrialRecord:
    """What is known of a trial after it ended.

    reading: None for the majority class, which reads nothing. params: the head's own parameters; members: of an
        ensemble, which has no parameters.
    training: empty for a probe.
    score: the objective's, undefined unless the trial completed.
    temperature: what the log-probabilities are divided by, fitted on the trial's own predictions.
    started: seconds since the epoch; seconds: wall-clock duration. reason: why it was pruned or failed.
    cause: of a trial that did not complete, where it is known: "obstacle" where it was not begun, "time", "crash" where
        the head ended its process, "lost" where the whole process ended; "export" of one that did but cannot be
        exported.
    traceback: of what failed it, with the lines of the plugin.
    scores: every evaluator's value on the trial's own predictions, without intervals, those of one class left out.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    strategy: str
    reading: Reading | None = None
    head: str = ""
    params: Params = field(default_factory=dict)
    members: tuple[EnsembleMember, ...] = ()
    training: TrainingDetails = field(default_factory=TrainingDetails)
    score: ScoreInterval = UNDEFINED
    temperature: float = 1.0
    started: float = 0.0
    seconds: float = 0.0
    device: str = ""
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    cause: Cause = ""
    traceback: str = ""

    def to_json(self) -> dict[str, object]:
        """Plain values: the fields of the reading beside the others, the members of an ensemble as its parameters."""
        reading = self.reading.to_json() if self.reading else dict.fromkeys(_READING_KEYS, "")
        members = [{"weight": member.weight, "trial": member.trial.to_json()} for member in self.members]
        nested: dict[str, Mapping[str, object]] = {"reading": reading, "score": self.score.to_json()}
        values: dict[str, object] = {}
        for key in (one.name for one in fields(self) if one.name != "members"):
            values |= nested.get(key) or {key: getattr(self, key)}
        return values | {
            "params": {"members": members} if members else dict(self.params),
            "training": dict(self.training), "scores": dict(self.scores),
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TrialRecord:
        """Read what `to_json` returned; raises TypeError, KeyError or ValueError if it is something else."""
        rest = {key: value for key, value in document.items() if key not in _NESTED_KEYS}
        members = rest["params"].get("members", ())
        return cls(
            **(rest | {"params": {} if members else rest["params"]}),
            reading=Reading.from_json(document),
            score=ScoreInterval.from_json(document),
            members=tuple(EnsembleMember(m["weight"], cls.from_json(m["trial"])) for m in members),
        )


@dataclass(frozen=True)
class EnsembleMember:
    """A probe that has a part in an ensemble; the weights of all members sum to 1."""

    weight: float
    trial: TrialRecord


def describe(candidate: Candidate, number: int, *, started: float) -> TrialRecord:
    """The record of a trial that has begun: it counts as failed until it has ended in another way.

    started: seconds since the epoch.
    """
    training = candidate.training.to_json() if candidate.training else TrainingDetails()
    return TrialRecord(
        number, "failed", candidate.strategy, candidate.reading, candidate.head.name, training=training, started=started
    )


def candidate_of(trial: TrialRecord, *, backbone: FeatureSource, head: Head) -> Candidate:
    """The candidate that a record describes; backbone, head: those that it names."""
    assert trial.reading is not None
    training = Training.from_json(trial.training) if trial.strategy == FINE_TUNE else None
    return Candidate(trial.strategy, backbone, trial.reading, head, training)


def format_size(size: Size) -> str:
    """A size as records and parameters name it: "HEIGHTxWIDTH"."""
    return f"{size[0]}x{size[1]}"


def parse_size(name: str) -> Size:
    """The inverse of `format_size`."""
    height, width = name.split("x")
    return int(height), int(width)
