"""The progress of a search in numbers, from its events."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from autotl.runs.config import BASELINES
from autotl.runs.events import Event, Progress, SearchBegun, StageBegun, TrialBegun, TrialEnded
from autotl.scores import ScoreInterval

RATE_SECONDS, FEWEST_SECONDS = 60.0, 10.0
"""The pace of trials is measured over so long, at most and at least."""

REFIT_STEPS = 4


@dataclass(frozen=True)
class BestTrial:
    """A trial that was the best when it ended. seconds: working time until then."""

    seconds: float
    trial: int
    name: str
    score: ScoreInterval


def ended_trials(events: Sequence[Event]) -> list[TrialEnded]:
    """The trials that have ended, without the baselines."""
    return [event for event in events if isinstance(event, TrialEnded) and event.strategy not in BASELINES]


def best_trials(events: Sequence[Event]) -> tuple[BestTrial, ...]:
    """Each trial that was the best so far when it ended, in order of time."""
    trials = {event.number: event for event in events if isinstance(event, TrialEnded)}
    bests: list[BestTrial] = []
    shift = -events[0].time if events else 0.0
    for event in events:
        if isinstance(event, SearchBegun):  # of an attempt, the first or one that carries on
            shift = event.spent_seconds - event.time
        if not isinstance(event, TrialEnded) or event.best_trial is None:
            continue
        best = trials.get(event.best_trial)
        if best and best.score.is_defined and (not bests or bests[-1].trial != best.number):
            bests.append(BestTrial(max(0.0, event.time + shift), best.number, best.name, best.score))
    return tuple(bests)


def refit_step(events: Sequence[Event]) -> int:
    """Which of its `REFIT_STEPS` steps a refit is at, from 1: the data, the default, the champion, the conclusion."""
    if any(isinstance(event, StageBegun) and event.stage == "conclude" for event in events):
        return REFIT_STEPS
    if sum(isinstance(event, TrialBegun) for event in events) > 1:  # the first is the untuned default
        return 3
    return 2 if any(isinstance(event, SearchBegun) for event in events) else 1


def working_seconds(events: Sequence[Event], *, now: float, since: float = 0.0) -> float | None:
    """Working time until now of a search that is running, including that of earlier attempts.

    now, since: seconds since the epoch; None if the latest attempt began before `since`, or none has begun.
    """
    begun = next((event for event in reversed(events) if isinstance(event, SearchBegun)), None)
    return begun.spent_seconds + now - begun.time if begun and begun.time >= since else None


def images_per_second(events: Sequence[Event]) -> float | None:
    """The rate at which images are read at the moment; None if something else is done."""
    latest = events[-1] if events else None
    return latest.rate if isinstance(latest, Progress) else None


def trials_per_minute(trials: Sequence[TrialEnded], *, now: float) -> int | None:
    """The pace of the last minute, or of the time since the first trial; None while it is unknown.

    now: seconds since the epoch.
    """
    if not trials:
        return None
    window = min(RATE_SECONDS, now - trials[0].time + trials[0].seconds)
    recent = sum(trial.time >= now - window for trial in trials)
    return max(1, round(60 * recent / window)) if recent and window >= FEWEST_SECONDS else None


def trial_seconds(trials: Sequence[TrialEnded]) -> dict[str, float]:
    """The median seconds of a trial, by strategy."""
    strategies = dict.fromkeys(trial.strategy for trial in trials)
    return {
        strategy: statistics.median(trial.seconds for trial in trials if trial.strategy == strategy)
        for strategy in strategies
    }
