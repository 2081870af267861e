"""What a search is doing and why, and what it has done so far, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from autotl.runs.config import BASELINES, FINE_TUNE
from autotl.runs.events import (
    DatasetRead,
    EngineChosen,
    Event,
    FeaturesRead,
    FineTuningProposed,
    FirstModelSaved,
    Message,
    Progress,
    ReadingsRanked,
    StageBegun,
    TrialBegun,
    TrialEnded,
)
from autotl_ui.widgets.words import cost, duration, sentence
from autotl_ui.workspace.checks import DOING


def describe_present(events: Sequence[Event]) -> str:
    """The current activity, from the latest event about one, and the reason for it from the events before."""
    features_read = False
    for i in reversed(range(len(events))):
        event, before = events[i], events[:i]
        match event:
            case FeaturesRead():
                features_read = True  # earlier progress of reading them is outdated
            case Progress(stage="features") | StageBegun(stage="features") if features_read:
                continue
            case Progress(stage="features"):
                done = f"{event.done} of {event.total}"
                return f"Computing features: {done} images{_to_go(event)}, {_why_reading(before)}."
            case Progress(stage="fine-tuning"):
                epoch = f"epoch {event.done} of {event.total}{_to_go(event)}"
                return f"Fine-tuning: {epoch}. {_latest_guess(before)}".strip()
            case Progress(stage=stage) if stage in DOING:
                return f"{DOING[stage]}: {event.done:,} of {event.total:,}." if event.total else f"{DOING[stage]}."
            case StageBegun(stage="features"):
                return f"Computing features with {_place(event)}, {_why_reading(before)}."
            case StageBegun(stage="conclude"):
                return "Testing the champion once on the held-out images, and writing the model and the report."
            case TrialBegun():
                return _begun(event, before)
            case DatasetRead():
                return f"Found {event.n_items} images in {len(event.classes)} classes."
            case EngineChosen() | FineTuningProposed():
                continue  # said with the activity that it explains
            case Message():
                return sentence(_said(event))
    return "Starting to read the data."


def describe_past(events: Iterable[Event]) -> list[tuple[float, str]]:
    """What it has done so far, oldest first: the time in seconds since the epoch, and a sentence."""
    best: int | None = None
    told = []
    for event in events:
        told += [(event.time, text) for text in _past(event, best)]
        if isinstance(event, TrialEnded) and event.is_best:
            best = event.number
    return told


def _place(event: FeaturesRead | StageBegun | TrialBegun) -> str:
    return f"{event.backbone} at {event.size} pixels"


def _begun(event: TrialBegun, before: Sequence[Event]) -> str:
    head, number, where = event.head, event.trial, _place(event)
    if event.strategy == FINE_TUNE:
        return f"Fine-tuning the upper stages of {where} (trial {number}). {_latest_guess(before)}".strip()
    begun = [other for other in before if isinstance(other, TrialBegun)]
    if not begun:
        return "Fitting the untuned default, the baseline for all other trials."
    if head not in {other.head for other in begun}:
        return f"Trying the head {head} on {where} (trial {number}): each head is tried at least once."
    if where not in {_place(other) for other in begun}:
        return f"Trying the head {head} on {where} (trial {number}), which did better on a sample."
    return f"Trying other settings of the head {head} on {where} (trial {number}), as the trials so far suggest."


def _why_reading(before: Sequence[Event]) -> str:
    if any(isinstance(event, ReadingsRanked) for event in before):
        return "because they did better on a sample"
    if any(isinstance(event, TrialEnded) for event in before):
        return "on a sample, to find the most promising networks and image sizes"
    return "for the untuned default, the baseline for all other trials"


def _to_go(progress: Progress) -> str:
    seconds = progress.eta_seconds
    return f" (about {duration(seconds)} left)" if seconds is not None and seconds >= 1 else ""


def _latest_guess(events: Sequence[Event]) -> str:
    return next((sentence(event.text) for event in reversed(events) if isinstance(event, FineTuningProposed)), "")


def _said(event: Message) -> str:
    """A message, without the folder of this machine that a model is saved in."""
    if isinstance(event, FirstModelSaved):
        return f"a first model, of {event.n_items} images, is saved" if event.n_items else "a first model is saved"
    return event.text


def _past(event: Event, best: int | None) -> Iterator[str]:
    match event:
        case DatasetRead():
            yield (
                f"Found {event.n_items} images in {len(event.classes)} classes: {event.train} for training, "
                f"{event.validation} for validation, {event.test} held out for the test."
            )
        case FeaturesRead() if event.computed:
            pace = f"{event.images_per_second:.0f} per second"
            yield f"Computed features of {event.computed} images with {_place(event)}, {pace}."
        case ReadingsRanked() if event.ranks:
            top = event.ranks[0]
            size = "x".join(str(edge) for edge in top.size)
            n = len({(rank.backbone, rank.size) for rank in event.ranks})
            yield f"Compared {n} networks and sizes: {top.backbone} at {size} pixels did best."
        case FineTuningProposed():
            yield f"Decided to fine-tune: {event.text.rstrip('.')}."
        case Message() if not isinstance(event, EngineChosen):
            yield sentence(_said(event))
        case TrialEnded():
            yield from _past_trial(event, best)
        case StageBegun(stage="conclude"):
            yield "Started to test the champion."


def _past_trial(event: TrialEnded, best: int | None) -> Iterator[str]:
    what = f"Trial {event.number}, {event.name}"
    if event.state == "failed":
        yield f"{what}, failed: {event.reason}."
    if not event.score.is_defined or event.strategy in BASELINES:
        return
    if event.is_best and event.number != best:
        yield f"{what}, became the best: {event.score}, in {cost(event.seconds)}."
    elif event.strategy == FINE_TUNE:
        yield f"{what}, fine-tuned in {cost(event.seconds)}, reached {event.score}."
