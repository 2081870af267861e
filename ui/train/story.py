"""What a search is doing and why, and what it did so far, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from autotl_ui.train.journal import Event
from autotl_ui.widgets.words import cost, duration, sentence

FINE_TUNE = "fine-tune"
_GUESS = "fine-tuning may change"
"""How the planner's message begins that goes before a fine-tune trial."""
_ENGINE = "engine: "
_UNSAID = (_ENGINE, _GUESS)
"""Messages that are no sentence of their own while the search runs."""


def tell_present(events: Sequence[Event]) -> str:
    """What goes on, from the latest event that says so, and the reason for it from those before."""
    features_read = False
    for i in reversed(range(len(events))):
        event, before = events[i], events[:i]
        match event["event"]:
            case "features":
                features_read = True  # what was said about reading them is no longer the news
            case "progress" | "stage" if features_read and event.get("stage") == "features":
                continue
            case "progress" if event.get("stage") == "features":
                done = f"{event.get('done')} of {event.get('total')}"
                return f"Looking at the pictures: {done}{_to_go(event)}, {_why_reading(before)}."
            case "progress" if event.get("stage") == "fine-tuning":
                epoch = f"epoch {event.get('done')} of {event.get('total')}{_to_go(event)}"
                return f"Fine-tuning: {epoch}. {_latest_guess(before)}".strip()
            case "stage" if event.get("stage") == "features":
                where = f"{event.get('backbone')} at {event.get('size')} pixels"
                return f"Looking at the pictures with {where}, {_why_reading(before)}."
            case "stage" if event.get("stage") == "conclude":
                return "Testing the champion, once, on the pictures kept aside, and writing the model and the report."
            case "trial-begin":
                return _begun(event, before)
            case "dataset":
                return f"Found {event.get('n_items')} pictures in {len(event.get('classes', ()))} classes."
            case "message" if not _said(event).startswith(_UNSAID):
                return sentence(_said(event))
    return "Starting, and reading the folder."


def tell_past(events: Iterable[Event]) -> list[tuple[float, str]]:
    """What it did so far, oldest first: the time in seconds since the epoch, and a sentence."""
    best: object = None
    told = []
    for event in events:
        for text in _past(event, best):
            told.append((float(event.get("time", 0.0)), text))
        if event.get("best_trial") == event.get("number"):
            best = event.get("number", best)
    return told


def _begun(event: Event, before: Sequence[Event]) -> str:
    head, number = event.get("head"), event.get("trial")
    where = f"{event.get('backbone')} at {event.get('size')} pixels"
    if event.get("strategy") == FINE_TUNE:
        return f"Fine-tuning the upper stages of {where} (trial {number}). {_latest_guess(before)}".strip()
    begun = [other for other in before if other["event"] == "trial-begin"]
    if not begun:
        return "Fitting the untuned default, the yardstick for everything that follows."
    if head not in {other.get("head") for other in begun}:
        return f"Trying the head {head} on {where} (trial {number}): every kind of head gets its chance."
    if where not in {f"{other.get('backbone')} at {other.get('size')} pixels" for other in begun}:
        return f"Trying the head {head} on {where} (trial {number}), which promised more on a sample."
    return f"Trying other settings of the head {head} on {where} (trial {number}), as the trials so far suggest."


def _why_reading(before: Sequence[Event]) -> str:
    kinds = {event["event"] for event in before}
    if "ranking" in kinds:
        return "because a sample promised more with them"
    if "trial" in kinds:
        return "a sample only, to see which network and picture size promise most"
    return "for the untuned default, the yardstick for everything that follows"


def _to_go(progress: Event) -> str:
    seconds = progress.get("eta_seconds")
    return f" (about {duration(seconds)} to go)" if seconds is not None and seconds >= 1 else ""


def _latest_guess(events: Sequence[Event]) -> str:
    texts = (_said(event) for event in reversed(events) if event["event"] == "message")
    return next((sentence(text) for text in texts if text.startswith(_GUESS)), "")


def _said(event: Event) -> str:
    """A message, without the folder it may end with."""
    return re.sub(r" is saved in .*", " is saved", str(event.get("text", "")))


def _past(event: Event, best: object) -> Iterator[str]:
    match event["event"]:
        case "dataset":
            parts = f"{event.get('train')} to learn from, {event.get('validation')} to choose by"
            yield (
                f"Found {event.get('n_items')} pictures in {len(event.get('classes', ()))} classes: {parts}, "
                f"{event.get('test')} kept for one test."
            )
        case "features" if event.get("computed"):
            where = f"{event.get('backbone')} at {event.get('size')} pixels"
            pace = f"{event.get('images_per_second', 0):.0f} a second"
            yield f"Looked at {event['computed']} pictures with {where}, {pace}."
        case "ranking" if event.get("ranks"):
            top, ranks = event["ranks"][0], event["ranks"]
            size = "x".join(str(edge) for edge in top.get("size", ()))
            yield f"Compared {len(ranks)} ways to read a sample: {top.get('backbone')} at {size} pixels promised most."
        case "message":
            text = _said(event)
            if text.startswith(_GUESS):
                yield f"Decided to fine-tune: {text.rstrip('.')}."
            elif not text.startswith(_ENGINE):
                yield sentence(text)
        case "trial":
            yield from _past_trial(event, best)
        case "stage" if event.get("stage") == "conclude":
            yield "Began to test the champion."


def _past_trial(event: Event, best: object) -> Iterator[str]:
    if event.get("state") == "failed":
        yield f"Trial {event.get('number')}, {event.get('name')}, failed: {event.get('reason')}."
    if event.get("value") is None or event.get("strategy") == "majority":
        return
    reached = f"{event['value']:.3f} ({event.get('low') or 0:.3f} to {event.get('high') or 0:.3f})"
    what = f"Trial {event.get('number')}, {event.get('name')}"
    if event.get("best_trial") == event.get("number") != best:
        yield f"{what}, became the best: {reached}, in {cost(event.get('seconds'))}."
    elif event.get("strategy") == FINE_TUNE:
        yield f"{what}, fine-tuned in {cost(event.get('seconds'))}, reached {reached}."
