"""How the backbones did on the sample, as sentences and tables."""

from __future__ import annotations

import math

from autotl.evidence.backbone_comparison import RELEVANT_SHARE
from autotl.interfaces import Table
from autotl.runs.backbones_tried import BackbonesTried, LeftOutBackbone, TriedBackbone
from autotl.runtime.durations import duration
from autotl.runtime.wording import counted, listed, percent

MOST_NAMED = 3


def describe(found: BackbonesTried) -> tuple[str, ...]:
    """Sentences; the first says which backbone was best, and what it would cost to be sure."""
    late = [one for one in found.left_out if one.reason == "time"]
    sentences = [_of_the_best(found)] if found.tried else []
    if late:
        what = "to try, on the sample" if found.tried else "to compare backbones on a sample"
        sentences.append(f"There was no time {what}: {listed(map(_with_time, late), MOST_NAMED)}.")
    sentences += [f"{_place(one)} was left out: {one.details}." for one in found.left_out if one.reason == "failed"]
    sentences += [
        f"{one.backbone} was left out, because its licence ({one.details or 'not known'}) does not allow commercial "
        f"use; name it with --backbones to use it."
        for one in found.left_out if one.reason == "licence"
    ]  # fmt: skip
    return tuple(sentences)


def _of_the_best(found: BackbonesTried) -> str:
    best, *others = found.tried
    n_backbones = len({one.backbone for one in found.tried})
    if not others:
        return f"Only {_place(best)} could be tried on a sample of {counted(found.n_sample, 'image')}."
    tried = f"{counted(n_backbones, 'backbone')} at {counted(len(found.tried), 'size')}"
    start = f"Of {tried}, {_place(best)} was best on a sample of {counted(found.n_sample, 'image')}"
    if not found.unclear:
        return f"{start}; the next, {_place(others[0])}, is clearly worse ({_difference(others[0])})."
    nearest, n_more = found.unclear[0], len(found.unclear) - 1
    and_more = f" and {counted(n_more, 'other')}" if n_more else ""
    of_which = "the nearest: " if n_more else ""
    told = f"{_place(nearest)}{and_more} cannot be told from it ({of_which}{_difference(nearest)})"
    cost = _cost(found, best, nearest, "tell the nearest from it" if n_more else "tell")
    return "; ".join(filter(None, (start, told, cost))) + "."


def _cost(found: BackbonesTried, best: TriedBackbone, other: TriedBackbone, tell: str) -> str:
    """What it would cost to tell two backbones apart; tell: the verb, and if it is needed, which of them."""
    unread = [one for one in (best, other) if not one.read_in_full]
    if not unread:
        return "the search compared both on all images"
    if other.images_needed is None:
        return ""
    seconds = [one.pass_seconds for one in unread]
    known = [one for one in seconds if one is not None]
    needed, reading = other.images_needed, f"reading all images with {'both' if len(unread) > 1 else _name(unread[0])}"
    takes = f"{duration(math.ceil(sum(known)))} of {reading}" if len(known) == len(seconds) else reading
    if needed <= found.n_development:
        return f"{takes} would probably {tell}"
    return f"about {_rounded_up(needed - found.n_development):,} more images, and {takes}, would probably {tell}"


def _name(one: TriedBackbone) -> str:
    return f"{one.backbone} at {_pixels(one.size)}"


def _difference(one: TriedBackbone) -> str:
    value = one.difference
    return f"difference in log loss {value.value:.{value.digits}f}, 95 % CI {value.ends}"


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


def tables(found: BackbonesTried) -> tuple[Table, ...]:
    """The backbones that were tried, and those that were left out."""
    return tuple(table for table in (_tried(found), _left_out(found)) if table.rows)


def _tried(found: BackbonesTried) -> Table:
    columns = (
        "backbone", "size", "best reading", "log loss", "difference", "low", "high", "images to tell", "images/s",
        "seconds for all", "read in full", "trials",
    )  # fmt: skip
    rows = tuple(
        (
            one.backbone, one.size, f"{one.stage} {one.pooling}", round(one.log_loss, 4),
            *(round(x, 4) if math.isfinite(x) else None for x in one.difference.rounded(4)), one.images_needed,
            _rounded(one.images_per_second), _rounded(one.pass_seconds), "yes" if one.read_in_full else "no",
            one.n_trials,
        )
        for one in found.tried
    )  # fmt: skip
    note = (
        f"Log loss of the held-out answers of the untuned default head on a sample of "
        f"{counted(found.n_sample, 'image')} for training and validation, with the best stage and pooling of each. "
        "Difference to the best one; the 95 % intervals hold for all rows together. Images to tell: about how many "
        f"images would show the difference seen, or {percent(RELEVANT_SHARE)} of the log loss if that is more, with a "
        f"power of 80 %; there are {found.n_development:,}. Seconds for all: of reading all {found.n_images:,} images, "
        "those of the test split included, at the speed measured."
    )
    return Table("Backbones tried", columns, rows, note)


def _left_out(found: BackbonesTried) -> Table:
    rows = [(one.backbone, one.size or None, _why(one), _rounded(one.seconds)) for one in found.left_out]
    if found.not_asked:
        rows.append((listed(found.not_asked), None, "it takes part only if it is named with --backbones", None))
    return Table("Backbones left out", ("backbone", "size", "why", "seconds for the sample"), tuple(rows))


def _why(one: LeftOutBackbone) -> str:
    if one.reason == "time":
        return "reading the sample would have taken too much of the time"
    if one.reason == "licence":
        return f"its licence does not allow commercial use: {one.details or 'not known'}"
    return f"it failed: {one.details}"


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
