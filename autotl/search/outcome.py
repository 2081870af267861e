"""What a trial achieved: its calibrated predictions, and the record made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.runtime.clock import steady_time
from autotl.training.calibration import Calibration, sharpened
from autotl.trial import Params, TrainingDetails, TrialRecord


@dataclass(frozen=True)
class Outcome:
    """What a candidate achieved on development items.

    predictions: calibrated by `temperature`. calibration: of its margins, where the head gives them. training: the
    details of a fine-tune trial. obstacle: why the head cannot be exported; empty where nothing is known to be in the
    way.
    """

    params: Params
    predictions: Predictions
    temperature: float
    device: str
    training: TrainingDetails = field(default_factory=TrainingDetails)
    calibration: Calibration | None = None
    obstacle: str = ""


def calibrated(predictions: Predictions) -> tuple[Predictions, float]:
    """Predictions calibrated on themselves, and the temperature that does it; see `calibration.sharpened`."""
    probabilities, temperature = sharpened(predictions.labels, predictions.probabilities)
    return replace(predictions, probabilities=probabilities), temperature


def completed(begun: TrialRecord, outcome: Outcome, score: ScoreInterval, scores: Mapping[str, float]) -> TrialRecord:
    """The record of a completed trial; score: of the objective, scores: of every evaluator."""
    return replace(
        begun,
        state="complete",
        params=dict(outcome.params),
        training=outcome.training.copy(),
        score=score,
        temperature=outcome.temperature,
        seconds=steady_time() - begun.started,
        device=outcome.device,
        scores=dict(scores),
        reason=f"it cannot be exported: {outcome.obstacle}" if outcome.obstacle else "",
        cause="export" if outcome.obstacle else "",
    )
