"""What a candidate achieved, and its record in the study."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotl.interfaces import ScoreInterval, TrialRecord
from autotl.predictions import Predictions
from autotl.training.calibration import Calibration
from autotl.trial import Candidate, describe


@dataclass(frozen=True)
class Outcome:
    """What a candidate achieved on development items; predictions are calibrated by `temperature`."""

    candidate: Candidate
    params: Mapping[str, Any]
    predictions: Predictions
    temperature: float
    device: str
    training: Mapping[str, Any]
    calibration: Calibration | None = None


def record(
    number: int, outcome: Outcome, score: ScoreInterval, started: float, scores: Mapping[str, float] | None = None
) -> TrialRecord:
    """The record of a completed trial; score: of the objective, scores: of every evaluator."""
    candidate = outcome.candidate
    return TrialRecord(
        number=number,
        state="complete",
        **describe(candidate),
        params=dict(outcome.params),
        training=dict(outcome.training),
        score=score,
        temperature=outcome.temperature,
        started=started,
        seconds=time.time() - started,
        device=outcome.device,
        scores=dict(scores or {}),
    )
