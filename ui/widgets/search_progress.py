"""The progress of a search, from the events that it writes to events.jsonl."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autotl.interfaces import ScoreInterval
from autotl_ui.jobs import jobs
from autotl_ui.widgets.progress_text import FINE_TUNE, describe_past, describe_present
from autotl_ui.widgets.words import duration, place_in_words, sentence
from autotl_ui.workspace.event_log import Event, read_events
from autotl_ui.workspace.runs import RunView

RATE_SECONDS, FEWEST_SECONDS = 60.0, 10.0
"""The pace is measured over so long, at most and at least."""
_COUNT = re.compile(r"((?:unpacking|hashing files|looking at images|finding near-duplicates): \d+ of \d+)")


@dataclass(frozen=True)
class Best:
    """A trial that was the best when it ended. seconds: working time until then."""

    seconds: float
    trial: int
    name: str
    score: ScoreInterval


@dataclass(frozen=True)
class Progress:
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
    bests: tuple[Best, ...]
    spent_seconds: float
    budget_seconds: float | None
    n_trials: int
    pace: str
    costs: Mapping[str, float]


def read_progress(run: RunView) -> Progress:
    """The progress of a search that is running or queued."""
    events = read_events(run.folder)
    spent = _spent_seconds(run, events)
    trials = [event for event in events if event["event"] == "trial" and event.get("strategy") != "majority"]
    budget, allowed = run.budget_seconds, run.config.get("trials")
    if not run.state and run.job:
        budget = run.job.budget_seconds
    share, timing = None, f"{duration(spent)} so far"
    if run.status == "queued":
        timing = (
            f"{duration(budget - spent)} of working time once it starts"
            if budget and budget > spent
            else "not started yet"
        )
    elif budget:
        share = min(spent / budget, 1.0)
        left = budget - spent
        timing += f", about {duration(left)} left" if left >= 1 else ", done any moment"
    elif isinstance(allowed, int) and allowed > 0:
        share = min(len(trials) / allowed, 1.0)
        timing += f", {len(trials)} of {allowed} trials"
    findings = tuple(
        f"{e.get('message', '')}. {e.get('advice', '')}".strip() for e in events if e["event"] == "finding"
    )
    return Progress(
        _doing(events, run), share, timing, findings, tuple(describe_past(events)), read_bests(events), spent, budget,
        len(trials), _pace(events, trials), _costs(trials),
    )  # fmt: skip


def read_bests(events: Sequence[Event]) -> tuple[Best, ...]:
    """Each trial that was the best so far when it ended, with the working time until then."""
    trials = {event.get("number"): event for event in events if event["event"] == "trial"}
    bests: list[Best] = []
    shift = -float(events[0].get("time", 0.0)) if events else 0.0
    for event in events:
        if event["event"] == "begin":  # of an attempt, the first or one that carries on
            shift = float(event.get("spent_seconds", 0.0)) - float(event.get("time", 0.0))
        best = trials.get(event.get("best_trial")) if event["event"] == "trial" else None
        if best and best.get("value") is not None and (not bests or bests[-1].trial != best["number"]):
            seconds = max(0.0, float(event.get("time", 0.0)) + shift)
            bests.append(Best(seconds, best["number"], str(best.get("name", "")), ScoreInterval.from_json(best)))
    return tuple(bests)


def _doing(events: Sequence[Event], run: RunView) -> str:
    if run.job and run.job.stop_requested:
        return "Stopping: the best model so far is being tested and saved."
    if run.status == "queued" and run.job:
        return f"Waiting, {place_in_words(run.job.place or 1)} in the queue: it starts when the one before has ended."
    if run.status == "starting" and run.state:
        return "Resuming where it stopped."
    if not events:
        return _scanned(run) or describe_present(events)
    return describe_present(events)


def _pace(events: Sequence[Event], trials: Sequence[Event]) -> str:
    latest = events[-1] if events else {}
    if latest.get("event") == "progress" and latest.get("rate"):
        return f"{latest['rate']:.0f} images/s"
    if not trials:
        return ""
    now, first = time.time(), trials[0]
    window = min(RATE_SECONDS, now - float(first.get("time", now)) + float(first.get("seconds") or 0.0))
    recent = sum(trial.get("time", 0.0) >= now - window for trial in trials)
    if not recent or window < FEWEST_SECONDS:
        return ""
    per_minute = max(1, round(60 * recent / window))
    return f"{per_minute} trial{'s' * (per_minute != 1)}/min"


def _costs(trials: Sequence[Event]) -> dict[str, float]:
    """The median seconds of a trial, by strategy."""
    seconds: dict[str, list[float]] = {"probe": [], FINE_TUNE: []}
    for trial in trials:
        if trial.get("strategy") in seconds and trial.get("seconds") is not None:
            seconds[trial["strategy"]].append(float(trial["seconds"]))
    return {strategy: statistics.median(found) for strategy, found in seconds.items() if found}


def _spent_seconds(run: RunView, events: Sequence[Event]) -> float:
    """Working time in seconds, including earlier attempts and excluding the time in the queue."""
    counted, now = run.spent_seconds, time.time()
    if run.status == "queued" or not run.active:
        return counted
    begin = next((event for event in reversed(events) if event["event"] == "begin"), None)
    if begin and (run.job is None or begin.get("time", 0.0) >= run.job.began):
        return float(begin.get("spent_seconds", 0.0)) + now - float(begin.get("time", now))
    if run.job and run.job.kind == "fit":
        return now - run.job.began
    return counted


def _scanned(run: RunView) -> str:
    """How many files were read, which only the log says before there is a run folder."""
    found = _COUNT.findall(jobs.tail(run.folder))
    return f"{sentence(found[-1]).rstrip('.')}." if found else ""
