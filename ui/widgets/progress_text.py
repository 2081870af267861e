"""What a search is doing and why, and what it has done so far, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from autotl_ui.widgets.words import cost, duration, sentence
from autotl_ui.workspace.event_log import Event

FINE_TUNE = "fine-tune"
_GUESS = "fine-tuning may change"
"""The beginning of the message that the planner emits before a fine-tune trial."""
_ENGINE = "engine: "
_HIDDEN = (_ENGINE, _GUESS)
"""Messages that begin like this are not shown as a sentence of their own."""


def describe_present(events: Sequence[Event]) -> str:
    """The current activity, from the latest event about one, and the reason for it from the events before."""
    features_read = False
    for i in reversed(range(len(events))):
        event, before = events[i], events[:i]
        match event["event"]:
            case "features":
                features_read = True  # earlier progress of reading them is outdated
            case "progress" | "stage" if features_read and event.get("stage") == "features":
                continue
            case "progress" if event.get("stage") == "features":
                done = f"{event.get('done')} of {event.get('total')}"
                return f"Computing features: {done} images{_to_go(event)}, {_why_reading(before)}."
            case "progress" if event.get("stage") == "fine-tuning":
                epoch = f"epoch {event.get('done')} of {event.get('total')}{_to_go(event)}"
                return f"Fine-tuning: {epoch}. {_latest_guess(before)}".strip()
            case "stage" if event.get("stage") == "features":
                where = f"{event.get('backbone')} at {event.get('size')} pixels"
                return f"Computing features with {where}, {_why_reading(before)}."
            case "stage" if event.get("stage") == "conclude":
                return "Testing the champion once on the held-out images, and writing the model and the report."
            case "trial-begin":
                return _begun(event, before)
            case "dataset":
                return f"Found {event.get('n_items')} images in {len(event.get('classes', ()))} classes."
            case "message" if not _said(event).startswith(_HIDDEN):
                return sentence(_said(event))
    return "Starting to read the data."


def describe_past(events: Iterable[Event]) -> list[tuple[float, str]]:
    """What it has done so far, oldest first: the time in seconds since the epoch, and a sentence."""
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
        return "Fitting the untuned default, the baseline for all other trials."
    if head not in {other.get("head") for other in begun}:
        return f"Trying the head {head} on {where} (trial {number}): each head is tried at least once."
    if where not in {f"{other.get('backbone')} at {other.get('size')} pixels" for other in begun}:
        return f"Trying the head {head} on {where} (trial {number}), which did better on a sample."
    return f"Trying other settings of the head {head} on {where} (trial {number}), as the trials so far suggest."


def _why_reading(before: Sequence[Event]) -> str:
    kinds = {event["event"] for event in before}
    if "ranking" in kinds:
        return "because they did better on a sample"
    if "trial" in kinds:
        return "on a sample, to find the most promising networks and image sizes"
    return "for the untuned default, the baseline for all other trials"


def _to_go(progress: Event) -> str:
    seconds = progress.get("eta_seconds")
    return f" (about {duration(seconds)} left)" if seconds is not None and seconds >= 1 else ""


def _latest_guess(events: Sequence[Event]) -> str:
    texts = (_said(event) for event in reversed(events) if event["event"] == "message")
    return next((sentence(text) for text in texts if text.startswith(_GUESS)), "")


def _said(event: Event) -> str:
    """A message, without the folder it may end with."""
    return re.sub(r" is saved in .*", " is saved", str(event.get("text", "")))


def _past(event: Event, best: object) -> Iterator[str]:
    match event["event"]:
        case "dataset":
            parts = f"{event.get('train')} for training, {event.get('validation')} for validation"
            yield (
                f"Found {event.get('n_items')} images in {len(event.get('classes', ()))} classes: {parts}, "
                f"{event.get('test')} held out for the test."
            )
        case "features" if event.get("computed"):
            where = f"{event.get('backbone')} at {event.get('size')} pixels"
            pace = f"{event.get('images_per_second', 0):.0f} per second"
            yield f"Computed features of {event['computed']} images with {where}, {pace}."
        case "ranking" if event.get("ranks"):
            top, ranks = event["ranks"][0], event["ranks"]
            size = "x".join(str(edge) for edge in top.get("size", ()))
            yield f"Compared {len(ranks)} networks and sizes: {top.get('backbone')} at {size} pixels did best."
        case "message":
            text = _said(event)
            if text.startswith(_GUESS):
                yield f"Decided to fine-tune: {text.rstrip('.')}."
            elif not text.startswith(_ENGINE):
                yield sentence(text)
        case "trial":
            yield from _past_trial(event, best)
        case "stage" if event.get("stage") == "conclude":
            yield "Started to test the champion."


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
