"""How the backbones did on the sample, as sentences."""

from __future__ import annotations

import math

from autotl.interfaces import ScoreInterval
from autotl.runs.backbones_tried import BackbonesTried, LeftOutBackbone, TriedBackbone
from autotl.runtime.durations import duration
from autotl.runtime.wording import counted, listed

MOST_NAMED = 3


def describe(found: BackbonesTried) -> tuple[str, ...]:
    """Sentences; the first says which backbone was best, and what it would cost to be sure.

    None if fewer than two could be tried: then nothing was compared, which `backbone_tables` says.
    """
    if len(found.tried) < 2:
        return ()
    late = [one for one in found.left_out if one.reason == "time"]
    sentences = [_of_the_best(found)]
    if late:
        sentences.append(f"There was no time to try {listed(map(_with_time, late), MOST_NAMED)} on the sample.")
    sentences += [f"{_place(one)} was left out: {one.details}." for one in found.left_out if one.reason == "failed"]
    sentences += [
        f"{one.backbone} was left out because its licence ({one.details or 'not known'}) does not allow commercial "
        f"use; name it with --backbones to use it."
        for one in found.left_out if one.reason == "licence"
    ]  # fmt: skip
    return tuple(sentences)


def _of_the_best(found: BackbonesTried) -> str:
    best, following = found.tried[:2]
    start = f"{_best_of(found.tried)} was best on a sample of {counted(found.n_sample, 'image')}"
    if not found.unclear:
        return f"{start}; the next best, {_place(following)}, is clearly worse ({_difference(following)})."
    nearest, n_more = found.unclear[0], len(found.unclear) - 1
    if nearest.difference == ScoreInterval(0.0, 0.0, 0.0):
        return f"{start}; {_place(nearest)} gave the same answers."
    and_more = f" and {counted(n_more, 'other')}" if n_more else ""
    of_which = "the nearest: " if n_more else ""
    doubt = f"{_place(nearest)}{and_more} may be as good ({of_which}{_difference(nearest)})"
    cost = _cost(found, best, nearest, "which of these two is better" if n_more else "which is better")
    return f"{start}, but {doubt}.{cost and ' '}{cost}"


def _best_of(tried: tuple[TriedBackbone, ...]) -> str:
    """The best, and among how many backbones and sizes."""
    best, n_backbones = tried[0], len({one.backbone for one in tried})
    if n_backbones == 1:
        return f"Of {len(tried)} sizes of {best.backbone}, {_pixels(best.size)} pixels"
    several = f"{len(tried)} combinations of a backbone and a size"
    what = f"{n_backbones} backbones" if len(tried) == n_backbones else several
    return f"Of {what}, {_place(best)}"


def _cost(found: BackbonesTried, best: TriedBackbone, other: TriedBackbone, which: str) -> str:
    """What it would cost to tell two backbones apart, as a sentence; which: what one would know then."""
    if all(one.read_in_full and one.n_trials for one in (best, other)):
        return "The search compared both on all images."
    unread = [one for one in (best, other) if not one.read_in_full]
    if other.images_needed is None or not unread:
        return ""
    readers = "both" if len(unread) > 1 else _place(unread[0])
    if other.images_needed > found.n_development:
        more = _rounded_up(other.images_needed - found.n_development)
        return (
            f"It would probably take about {more:,} more images for training and validation, and reading all images "
            f"with {readers}, to show {which}."
        )
    seconds = [one.pass_seconds for one in unread if one.pass_seconds is not None]
    takes = f" (about {duration(math.ceil(sum(seconds)))})" if len(seconds) == len(unread) else ""
    return f"Reading all images with {readers}{takes} would probably show {which}."


def _difference(one: TriedBackbone) -> str:
    value = one.difference
    interval = f"95 % CI {value.ends}" if value.has_interval else value.ends
    return f"log loss higher by {value.value:.{value.digits}f}, {interval}"


def _place(one: TriedBackbone | LeftOutBackbone) -> str:
    return f"{one.backbone} at {_pixels(one.size)} pixels"


def _with_time(one: LeftOutBackbone) -> str:
    """A backbone with what its sample would have taken, unless the cache holds it."""
    return f"{_place(one)} (about {duration(one.seconds)})" if one.seconds else _place(one)


def _pixels(size: str) -> str:
    """The edge of a square, or the size."""
    height, _, width = size.partition("x")
    return height if height == width else size


def _rounded_up(n: int) -> int:
    """To two digits: more would pretend to a precision that a forecast lacks."""
    step = int(10 ** max(0, len(str(n)) - 2))
    return math.ceil(n / step) * step
