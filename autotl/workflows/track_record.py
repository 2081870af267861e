"""How often forecasts held on this machine: a line of JSON for each run, with numbers only, beside the cache."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import filelock

from autotl.evidence.leaderboard import Leaderboard
from autotl.runs.forecasts import KINDS, SUBJECTS, TEN_MORE, TWICE, Forecast
from autotl.runs.result import RunResult
from autotl.runs.run import Run

FILE = "track-record.jsonl"
NEAR = 0.15
"""A later run grades what an earlier one said of more images where its number of images is so near."""


@dataclass(frozen=True)
class Record:
    """What one run forecast. data: a hash of where the data are; n_images: for development; default: its score."""

    run: str
    data: str
    objective: str
    n_images: int
    default: float
    forecasts: tuple[Forecast, ...]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {**vars(self), "forecasts": [forecast.to_json() for forecast in self.forecasts]}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Record:
        """Read what `to_json` returned."""
        return cls(
            str(document["run"]), str(document["data"]), str(document["objective"]), int(document["n_images"]),
            float(document["default"]), tuple(map(Forecast.from_json, document["forecasts"])),
        )  # fmt: skip


@dataclass(frozen=True)
class Tally:
    """How often the forecasts of a kind held: of `graded`, with `open` not known yet."""

    kind: str
    held: int
    graded: int
    open: int

    @property
    def subject(self) -> str:
        """What they are about, in words."""
        return SUBJECTS[self.kind]


def keep_record(run: Run, result: RunResult, cache: Path, board: Leaderboard) -> None:
    """Add a run's forecasts, and what its untuned default grades; a full or read-only disk costs the record only."""
    default = next((t.score.value for t in board.completed if t.number == result.default_trial), math.nan)
    if not math.isfinite(default):
        return
    data = hashlib.sha256(str(run.config.data).encode()).hexdigest()[:16]
    record = Record(run.name, data, result.objective, result.n_development, default, result.forecasts)
    with suppress(OSError, filelock.Timeout):
        cache.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(cache / f"{FILE}.lock", timeout=5), (cache / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record.to_json(), allow_nan=False) + "\n")


def read_records(cache: Path) -> list[Record]:
    """The records of this machine, the oldest first, with what later runs tell of earlier ones; damaged lines left out.

    What was said of more images is graded by the first later run on the same data with about so many.
    """
    records = []
    with suppress(OSError):
        for line in (cache / FILE).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError, TypeError):
                records.append(Record.from_json(json.loads(line)))
    return [_graded(record, records[place + 1 :]) for place, record in enumerate(records)]


def tally(records: Iterable[Record]) -> list[Tally]:
    """How often each kind of forecast held."""
    made = [forecast for record in records for forecast in record.forecasts if forecast.is_made]
    return [
        Tally(
            kind,
            held=sum(f.held is True for f in made if f.kind == kind),
            graded=sum(f.held is not None for f in made if f.kind == kind),
            open=sum(f.held is None for f in made if f.kind == kind),
        )
        for kind in KINDS
    ]


def _graded(record: Record, later: list[Record]) -> Record:
    def outcome(forecast: Forecast) -> Forecast:
        if forecast.kind not in (TEN_MORE, TWICE) or not forecast.is_made:
            return forecast
        for other in later:
            same = (other.data, other.objective) == (record.data, record.objective)
            grown = other.n_images > record.n_images
            if (
                same
                and grown
                and abs(other.n_images - forecast.n_images) <= NEAR * (forecast.n_images - record.n_images)
            ):
                return replace(forecast, outcome=other.default)
        return forecast

    return replace(record, forecasts=tuple(map(outcome, record.forecasts)))
