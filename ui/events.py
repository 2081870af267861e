"""What a search is doing right now, from the lines it writes to events.jsonl."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotl_ui.runs import RunView
from autotl_ui.words import duration


@dataclass(frozen=True)
class Progress:
    """How far a search has come.

    doing: one sentence. share: 0 to 1, of the time or the trials allowed; None without either. timing: elapsed and
    left, in words. findings: what the checks said about the data.
    """

    doing: str
    share: float | None
    timing: str
    findings: tuple[str, ...]


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events so far; a line that is still being written, or is damaged, is passed over."""
    try:
        lines = (folder / "events.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    events = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def read_progress(run: RunView) -> Progress:
    """Where a running search stands."""
    events = read_events(run.folder)
    spent = _spent_seconds(run)
    config = run.state.get("config", {})
    budget, trials = config.get("budget_seconds"), config.get("trials")
    if run.status == "starting" and run.job:
        budget = run.job.budget_seconds
    share, timing = None, f"{duration(spent)} so far"
    if budget:
        share = min(spent / budget, 1.0)
        left = budget - spent
        timing += f", about {duration(left)} left" if left >= 1 else ", done any moment"
    elif trials:
        n_done = sum(event.get("event") == "trial" for event in events)
        share = min(n_done / trials, 1.0)
        timing += f", {n_done} of {trials} trials"
    findings = tuple(
        f"{e.get('message', '')}. {e.get('advice', '')}".strip() for e in events if e.get("event") == "finding"
    )
    return Progress(_doing(events, run), share, timing, findings)


def _doing(events: Sequence[Mapping[str, Any]], run: RunView) -> str:
    """The latest event that says what goes on, in one sentence."""
    if run.job and run.job.stop_requested:
        return "Stopping: the best model so far is being tested and saved."
    features_read = False
    for event in reversed(events):
        match event.get("event"):
            case "features":
                features_read = True  # what was said about reading them is no longer the news
            case "progress" | "stage" if features_read and event.get("stage") == "features":
                continue
            case "dataset":
                return f"Found {event.get('n_items')} pictures in {len(event.get('classes', ()))} classes."
            case "progress" if event.get("stage") == "features":
                return f"Looking at the pictures: {event.get('done')} of {event.get('total')}."
            case "progress" if event.get("stage") == "fine-tuning":
                return f"Fine-tuning: epoch {event.get('done')} of {event.get('total')}."
            case "stage" if event.get("stage") == "features":
                return f"Looking at the pictures with {event.get('backbone')} at {event.get('size')} pixels."
            case "stage" if event.get("stage") == "conclude":
                return "Testing the champion and writing the report."
            case "trial-begin":
                how = "Fine-tuning" if event.get("strategy") == "fine-tune" else "Trying"
                head, backbone = event.get("head"), event.get("backbone")
                return f"{how} the head {head} on {backbone} (trial {event.get('trial')})."
            case "message":
                text = str(event.get("text", ""))
                return f"{text[:1].upper()}{text[1:]}."
    return "Starting, and reading the folder."


def _spent_seconds(run: RunView) -> float:
    """Seconds at work: what run.json counted, and what has passed since it was written."""
    try:
        since = time.time() - (run.folder / "run.json").stat().st_mtime
    except OSError:
        since = 0.0
    counted = float(run.state.get("spent_seconds", 0.0)) + since
    return max(counted, time.time() - run.job.started) if run.job else counted
