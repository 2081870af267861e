"""The progress of a search, in words and numbers, from the events that it writes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autotl.runs.event_log import EVENTS_FILE, read_events
from autotl.runs.events import Event, FindingMade, TrialEnded
from autotl.runs.progress import (
    REFIT_STEPS,
    BestTrial,
    best_trials,
    ended_trials,
    images_per_second,
    refit_step,
    trial_seconds,
    trials_per_minute,
    working_seconds,
)
from autotl_ui.jobs import jobs
from autotl_ui.widgets.progress_text import describe_past, describe_present
from autotl_ui.widgets.words import duration, place_in_words
from autotl_ui.workspace.runs import RunView


@dataclass(frozen=True)
class SearchProgress:
    """The progress of a search.

    doing: the current activity and its reason. share: 0 to 1, of the time or the trials allowed; None without either.
    timing: elapsed and remaining time, as text. findings: of the checks. past: what it has done so far, a time
    (seconds since the epoch) and a sentence each. bests: in order of time. spent_seconds: working time.
    budget_seconds: None without. n_trials: that have ended. pace: images per second or trials per minute, as text;
    empty while unknown.
    costs: seconds of a typical trial by strategy.
    """

    doing: str
    share: float | None
    timing: str
    findings: tuple[str, ...]
    past: tuple[tuple[float, str], ...]
    bests: tuple[BestTrial, ...]
    spent_seconds: float
    budget_seconds: float | None
    n_trials: int
    pace: str
    costs: Mapping[str, float]


def read_progress(run: RunView) -> SearchProgress:
    """The progress of a search that is running or queued."""
    # Before there is a run folder, only the job's own file says how far the scan is.
    events = read_events(run.folder / EVENTS_FILE) or read_events(jobs.events_file(run.folder))
    trials = ended_trials(events)
    spent = _spent_seconds(run, events)
    budget = run.state.budget_seconds
    if not run.has_begun and run.job:
        budget = run.job.budget_seconds
    n_trials = sum(trial.counts for trial in trials)
    share, timing = _timing(run, events, spent, budget, n_trials)
    findings = tuple(f"{e.message}. {e.advice}".strip() for e in events if isinstance(e, FindingMade))
    return SearchProgress(
        _doing(events, run), share, timing, findings, tuple(describe_past(events)), best_trials(events), spent,
        budget, n_trials, _pace(events, trials), trial_seconds(trials),
    )  # fmt: skip


def _timing(
    run: RunView, events: Sequence[Event], spent: float, budget: float | None, n_trials: int
) -> tuple[float | None, str]:  # fmt: skip
    """The share that is done, 0 to 1 or None, and the elapsed and remaining time as text."""
    text = f"{duration(spent)} so far"
    if run.status == "queued":
        left = (budget or 0.0) - spent
        return None, f"{duration(left)} of working time once it starts" if left > 0 else "not started yet"
    if run.refits:  # how long a step takes is not known: the bar counts those that are done
        step = refit_step(events)
        return (step - 1) / REFIT_STEPS, f"step {step} of {REFIT_STEPS}, {text}"
    if budget:
        left = budget - spent
        return min(spent / budget, 1.0), f"{text}, {f'about {duration(left)} left' if left >= 1 else 'done any moment'}"
    if run.state.trials:
        n = min(n_trials, run.state.trials)  # what comes after the last trial is a step of its own
        return n / (run.state.trials + 1), f"{text}, {n} of {run.state.trials} trials"
    return None, text


def _doing(events: Sequence[Event], run: RunView) -> str:
    if run.job and run.job.stop_requested:
        return "Stopping: the best model so far is being tested and saved."
    if run.status == "queued" and run.job:
        return f"Waiting, {place_in_words(run.job.place or 1)} in the queue: it starts when the one before has ended."
    if run.status == "starting" and run.has_begun:
        return "Resuming where it stopped."
    return describe_present(events)


def _pace(events: Sequence[Event], trials: Sequence[TrialEnded]) -> str:
    if rate := images_per_second(events):
        return f"{rate:.0f} images/s"
    pace = trials_per_minute(trials, now=time.time())
    return f"{pace} trial{'s' * (pace != 1)}/min" if pace else ""


def _spent_seconds(run: RunView, events: Sequence[Event]) -> float:
    """Working time in seconds, including earlier attempts and excluding the time in the queue."""
    if run.status == "queued" or not run.active:
        return run.state.spent_seconds
    now = time.time()
    working = working_seconds(events, now=now, since=run.job.began if run.job else 0.0)
    if working is None and run.job and run.job.kind in ("fit", "refit"):
        return now - run.job.began
    return run.state.spent_seconds if working is None else working
