"""How well a reading does on a sample of the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from autotl.predictions import Predictions
from autotl.runs.events import RankedReading
from autotl.trial import Reading


class StoredScore(TypedDict):
    """A score as the study keeps it. size: a list once it was stored."""

    backbone: str
    size: Sequence[int]
    stage: str
    pooling: str
    log_loss: float


@dataclass(frozen=True)
class ReadingScore:
    """How well the default head does on a reading of the sample: its mean held-out log loss, calibrated.

    answers: the held-out answers, with places in the sample as items; None if they are not kept.
    """

    reading: Reading
    log_loss: float
    answers: Predictions | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> StoredScore:
        """Plain values."""
        reading = self.reading
        return {
            "backbone": reading.backbone, "size": reading.size, "stage": reading.stage, "pooling": reading.pooling,
            "log_loss": round(self.log_loss, 4),
        }  # fmt: skip

    def ranked(self) -> RankedReading:
        """What an event says of it."""
        reading = self.reading
        return RankedReading(
            reading.backbone, reading.size, reading.stage, reading.pooling, log_loss=round(self.log_loss, 4)
        )

    @classmethod
    def from_json(cls, document: StoredScore) -> ReadingScore:
        """Read what `to_json` returned."""
        height, width = document["size"]
        reading = Reading(document["backbone"], (height, width), document["stage"], document["pooling"])
        return cls(reading, document["log_loss"])
