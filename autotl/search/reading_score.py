"""How well a reading does on a sample of the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from autotl.runs.events import RankedReading
from autotl.trial import Reading


@dataclass(frozen=True)
class ReadingScore:
    """How well the default head does on a reading of the sample: its mean held-out log loss, calibrated."""

    reading: Reading
    log_loss: float

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {**asdict(self.reading), "log_loss": round(self.log_loss, 4)}

    def ranked(self) -> RankedReading:
        """What an event says of it."""
        reading = self.reading
        return RankedReading(
            reading.backbone, reading.size, reading.stage, reading.pooling, log_loss=round(self.log_loss, 4)
        )

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ReadingScore:
        """Read what `to_json` returned."""
        size = (int(document["size"][0]), int(document["size"][1]))
        reading = Reading(document["backbone"], size, document["stage"], document["pooling"])
        return cls(reading, document["log_loss"])
