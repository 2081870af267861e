"""What happens in a run, one small class per kind of event; each event is a line of events.jsonl."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar, TypeAlias

from autotl.scores import ScoreInterval


def _now() -> float:
    return round(time.time(), 3)


@dataclass(frozen=True)
class Event:
    """Something that happened.

    kind: its name in files. time: seconds since the epoch.
    """

    kind: ClassVar[str]
    __pydantic_config__: ClassVar[dict[str, bool]] = {"allow_inf_nan": False}
    time: float = field(default_factory=_now, kw_only=True, compare=False)

    def to_json(self) -> dict[str, object]:
        """Plain values, without those that are unknown."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return {"time": known.pop("time"), "event": self.kind, **known}


Listener: TypeAlias = Callable[[Event], None]
"""Called with every event."""


@dataclass(frozen=True)
class SearchBegun(Event):
    """An attempt began, the first or one that carries on.

    spent_seconds: working time of the attempts before.
    """

    kind = "begin"
    spent_seconds: float


@dataclass(frozen=True)
class DatasetRead(Event):
    """The data were read and divided; the numbers count items, whose kind is the modality.

    target: the kind of target, whose classes or labels are `classes`. quarantined: skipped or excluded. left_out: in no
    part of a split that was given. ignored: other files, by reason.
    """

    kind = "dataset"
    n_items: int
    classes: tuple[str, ...]
    train: int = 0
    validation: int = 0
    test: int = 0
    left_out: int = 0
    quarantined: int = 0
    unlabelled: int = 0
    ignored: Mapping[str, int] = field(default_factory=dict)
    layout: str = ""
    fingerprint: str = ""
    target: str = "classes"
    modality: str = "image"


@dataclass(frozen=True)
class FindingMade(Event):
    """A check found something in the data; run.json holds the images concerned."""

    kind = "finding"
    check: str
    severity: str
    message: str
    advice: str = ""


@dataclass(frozen=True)
class Progress(Event):
    """The progress of a stage.

    done, total: images, files or epochs; rate: of them per second.
    """

    kind = "progress"
    stage: str
    done: int
    total: int
    rate: float | None = None
    eta_seconds: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether everything is done."""
        return 0 < self.total <= self.done


@dataclass(frozen=True)
class StageBegun(Event):
    """Features are about to be read, with a backbone at a size, or the conclusion begins."""

    kind = "stage"
    stage: str
    backbone: str = ""
    size: str = ""


@dataclass(frozen=True)
class FeaturesRead(Event):
    """The features of one backbone at one size were read.

    computed, reused: numbers of items. modality: their kind.
    """

    kind = "features"
    backbone: str
    size: str
    computed: int
    reused: int = 0
    seconds: float = 0.0
    n_features: int = 0
    engine: str = ""
    images_per_second: float = 0.0
    modality: str = "image"


@dataclass(frozen=True)
class RankedReading:
    """A reading and its calibrated log loss on the sample.

    size: (height, width) in pixels.
    """

    backbone: str
    size: tuple[int, int]
    stage: str
    pooling: str
    log_loss: float


@dataclass(frozen=True)
class ReadingsRanked(Event):
    """Readings were compared on a sample of the images.

    ranks: the best first.
    """

    kind = "ranking"
    ranks: tuple[RankedReading, ...]


@dataclass(frozen=True)
class TrialBegun(Event):
    """A trial began. trial: its number. size: "HEIGHTxWIDTH" in pixels."""

    kind = "trial-begin"
    trial: int
    strategy: str
    backbone: str
    size: str = ""
    stage: str = ""
    pooling: str = ""
    head: str = ""


@dataclass(frozen=True)
class TrialEnded(Event):
    """A trial ended.

    value, low, high: its score, None unless it completed. started: seconds since the epoch. reason: why it was pruned
    or failed. best_trial: the best trial so far. counts: whether it is one of the number that was asked for.
    """

    kind = "trial"
    number: int
    name: str = ""
    state: str = "complete"
    strategy: str = ""
    backbone: str = ""
    size: str = ""
    stage: str = ""
    pooling: str = ""
    head: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    started: float = 0.0
    seconds: float = 0.0
    reason: str = ""
    best_trial: int | None = None
    counts: bool = True

    @property
    def score(self) -> ScoreInterval:
        """The score, undefined unless the trial completed."""
        return ScoreInterval.from_json({"value": self.value, "low": self.low, "high": self.high})

    @property
    def is_best(self) -> bool:
        """Whether it was the best trial so far when it ended."""
        return self.best_trial == self.number


@dataclass(frozen=True)
class ActivationsCached(Event):
    """The input of the layers to be trained was cached, or was not.

    how: which way, and why.
    """

    kind = "activations"
    how: str


@dataclass(frozen=True)
class Message(Event):
    """Something to tell the user."""

    kind = "message"
    text: str


@dataclass(frozen=True)
class EngineChosen(Message):
    """An engine was chosen for reading features, and why."""

    kind = "engine"


@dataclass(frozen=True)
class FineTuningProposed(Message):
    """A fine-tune trial comes next: what it may gain, and what it costs."""

    kind = "fine-tuning"


@dataclass(frozen=True)
class FirstModelSaved(Message):
    """A model is saved before the search has ended.

    n_items: the number of images that it was fitted on, where these are a sample; None for all.
    """

    kind = "first-model"
    n_items: int | None = None


@dataclass(frozen=True)
class ForecastsMade(Event):
    """What the run expects, as `Forecast.to_json` gives it."""

    kind = "forecasts"
    forecasts: tuple[Mapping[str, object], ...]


@dataclass(frozen=True)
class SearchEnded(Event):
    """The search ended, with a model.

    seconds: working time of all attempts.
    """

    kind = "end"
    status: str
    seconds: float


KINDS: dict[str, type[Event]] = {event.kind: event for event in (*Event.__subclasses__(), *Message.__subclasses__())}
"""The classes of events by their names in files."""
