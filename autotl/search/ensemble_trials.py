"""One more trial at the end: the weighted mean of the best probes, kept where it is clearly better than the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from autotl.evidence.leaderboard import Leaderboard
from autotl.interfaces import ScoreInterval
from autotl.predictions import Predictions
from autotl.runtime import keras_backend
from autotl.runtime.clock import steady_time
from autotl.search.context import SearchContext
from autotl.search.objective import all_values
from autotl.search.outcome import Outcome, calibrated, completed
from autotl.search.trial_files import load_predictions, save_predictions
from autotl.training.ensemble import MAX_CANDIDATES, blend
from autotl.trial import ENSEMBLE, PROBE, EnsembleMember, Reading, TrialRecord


def blend_candidates(board: Leaderboard, asks_for: Callable[[str, str], bool]) -> list[TrialRecord]:
    """The probes to mix, best first; fewer than two where there is nothing to mix, or it was done.

    asks_for(strategy, head): whether such a trial was asked for. All are of one backbone at one size, so that the
    ensemble costs one forward pass like each of its members.
    """
    probes = [t for t in board.completed if t.strategy == PROBE and asks_for(PROBE, t.head) and t.cause != "export"]
    best = next(iter(probes), None)
    if best is None or best.reading is None or any(t.strategy == ENSEMBLE for t in board.trials):
        return []
    place = best.reading.place
    same_place = [t for t in probes if t.reading and t.reading.place == place]
    return same_place[:MAX_CANDIDATES]


def blend_probes(context: SearchContext, probes: Sequence[TrialRecord], number: int) -> TrialRecord:
    """Mix completed probes of one backbone and size; the record of the trial is "pruned" where the gain is not clear.

    number: of the trial.
    """
    started, run, objective = steady_time(), context.run, context.objective
    items = np.sort(run.split.development)
    loaded = [load_predictions(run, trial.number).restrict(items) for trial in probes]
    found = blend(loaded, run.split.fold[items])
    begun, outcome = ensemble(probes, found.weights, found.predictions, number=number, started=started)
    difference = objective.difference(loaded[0], outcome.predictions)
    if difference.low > 0 if objective.sign > 0 else difference.high < 0:
        save_predictions(run, number, outcome.predictions)
        values = all_values(context.evaluators, outcome.predictions)
        return completed(begun, outcome, objective.score(outcome.predictions), values)
    return replace(
        begun, state="pruned", members=(), seconds=steady_time() - started, device=outcome.device,
        reason=f"its gain over the best probe, {difference.value:+.3f}, is not clear",
    )  # fmt: skip


def ensemble(
    members: Sequence[TrialRecord], weights: np.ndarray, predictions: Predictions, *, number: int, started: float
) -> tuple[TrialRecord, Outcome]:
    """The record of a trial that has begun, and the outcome of mixing probes by weights, some of which may be 0."""
    first = members[int(np.argmax(weights > 0))]
    assert first.reading is not None
    reading = Reading(*first.reading.place, stage="", pooling="")
    # Without what may be undefined, and the scores of the members' own trials.
    chosen = tuple(
        EnsembleMember(float(weight), replace(member, score=ScoreInterval(member.score.value), scores={}))
        for weight, member in zip(weights, members, strict=True)
        if weight > 0
    )
    mixed, temperature = calibrated(predictions)
    begun = TrialRecord(number, "failed", ENSEMBLE, reading, ENSEMBLE, members=chosen, started=started)
    return begun, Outcome({}, mixed, temperature, keras_backend.processor())
