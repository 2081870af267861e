"""The gain to expect from more images, as sentences, a figure and a table."""

from __future__ import annotations

from collections.abc import Sequence

from autotl.interfaces import Figure, ScoreInterval, Table
from autotl.runs.learning_curves import ClassWorth, MoreImages

MOST_NAMED = 3
HARDLY = 0.005
"""Half a point: a smaller gain is not worth collecting images for."""


def describe(found: MoreImages) -> tuple[str, ...]:
    """Sentences; the first states the gain from twice the images, and which classes gain most from more."""
    parts = [_of_twice(found.twice, found.score)] if found.twice.is_defined else []
    worth = sorted(filter(is_worth, found.classes), key=lambda one: -one.gain.value)
    parts += [
        f"{found.more} more of {one.label} are worth {points(one.gain)} of its recall" for one in worth[:MOST_NAMED]
    ]
    nothing = [one.label for one in found.classes if not is_worth(one)]
    if nothing:
        parts.append(f"no certain gain from {found.more} more of {_named(nothing)}")
    sentences = [f"{_capital('; '.join(parts))}."] if parts else []
    if found.left_out:
        named = _named(found.left_out)
        sentences.append(
            f"There was no time to measure what more images of {named} are worth: the weakest classes came first."
        )
    return tuple(sentences)


def _of_twice(gain: ScoreInterval, score: str) -> str:
    interval = f"80 % interval {100 * gain.low:.1f} to {100 * gain.high:.1f}"
    worth = f"{100 * gain.value:.1f} points of {score} ({interval})"
    certain = gain.low > 0
    return f"twice as many images {'are worth' if certain else 'would bring no certain gain:'} {worth}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _named(labels: Sequence[str]) -> str:
    return ", ".join(labels[:MOST_NAMED]) + (" and others" if len(labels) > MOST_NAMED else "")


def is_worth(one: ClassWorth) -> bool:
    """Whether more images of a class clearly change its recall, by more than a negligible amount."""
    return one.gain.has_interval and one.gain.low > 0 and one.gain.value >= HARDLY


def points(gain: ScoreInterval) -> str:
    """A difference of scores in points with its 80 % interval, such as "2.1 points (0.4 to 4.0)"."""
    return f"{100 * gain.value:.1f} points ({100 * gain.low:.1f} to {100 * gain.high:.1f})"


def figure(found: MoreImages) -> Figure:
    """The measured curve, and its extrapolation with the band of the 80 % interval."""
    measured = [point for point in found.points if point.is_measured]
    rows = [
        {"images": point.n_images, **dict(zip(("value", "low", "high"), point.score.rounded(4), strict=True)),
         "what": "measured" if point.is_measured else "expected"}
        for point in found.points
    ]  # fmt: skip
    joint = [{"images": point.n_images, "value": round(point.score.value, 4), "low": round(point.score.value, 4),
              "high": round(point.score.value, 4), "what": "expected"} for point in measured[-1:]]  # fmt: skip
    x = {"field": "images", "type": "quantitative", "title": "images to learn from", "scale": {"zero": False}}
    y = {"field": "value", "type": "quantitative", "title": found.score, "scale": {"zero": False}}
    ends = {"y": {**y, "field": "low"}, "y2": {"field": "high"}}
    only = {name: [{"filter": f"datum.what == '{name}'"}] for name in ("measured", "expected")}
    dash = {"field": "what", "type": "nominal", "title": None, "sort": ["measured", "expected"]}
    spec = {
        "data": {"values": [*rows, *joint]},
        "layer": [
            {"transform": only["expected"], "mark": {"type": "area", "opacity": 0.25}, "encoding": {"x": x, **ends}},
            {"transform": only["measured"], "mark": "rule", "encoding": {"x": x, **ends}},
            {"mark": {"type": "line"}, "encoding": {"x": x, "y": y, "strokeDash": dash}},
            {"transform": only["measured"], "mark": {"type": "point", "filled": True, "size": 60},
             "encoding": {"x": x, "y": y}},
        ],
    }  # fmt: skip
    alt = f"{_capital(found.score)} by the number of images: " + ", ".join(
        f"{point.n_images} {100 * point.score.value:.0f} %" for point in found.points
    )
    return Figure(
        "What would more images bring?", spec, alt,
        f"Of {found.head}, on at most 256 components. Measured in cross-validation, with 95 % intervals; the band "
        "should contain the expected value in 80 of 100 cases.",
    )  # fmt: skip


def table(found: MoreImages) -> Table:
    """A row for each class: number of images, recall, and the gain to expect from more images."""
    rows = tuple(
        (one.label, one.n_images, *one.recall.rounded(), *_in_points(one.gain)) for one in found.classes
    )  # fmt: skip
    columns = ("class", "images", "recall", "low", "high", f"{found.more} more: points of recall", "from", "to")
    left = f" No time was left for: {', '.join(found.left_out)}." if found.left_out else ""
    return Table(
        f"What are {found.more} more images of a class worth?", columns, rows,
        "Measured by leaving out images of this class alone while keeping its weight, and then extrapolated. From and "
        f"to are the ends of an 80 % interval. The lowest recall comes first.{left}",
    )  # fmt: skip


def _in_points(gain: ScoreInterval) -> tuple[float, float, float]:
    low, value, high = (round(100 * number, 1) for number in (gain.low, gain.value, gain.high))
    return value, low, high
