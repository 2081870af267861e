"""Shortcuts as sentences, a table and a figure."""

from __future__ import annotations

import math

from autotl.interfaces import Figure, ScoreInterval, Table
from autotl.runs.shortcuts import Following, Shortcut, ShortcutsFound
from autotl.runtime.wording import percent

MOST_SAID = 3
FEWEST_MISLED = 5
"""With fewer images that contradict a shortcut, one cannot tell whether the model relies on it."""
_NOTE = (
    "Each row is a tiny cross-validated model that sees only this property of an image. A property is named if it "
    "predicts the class clearly better than a margin, corrected for the number of rows; a corner or the border only if "
    "it also predicts it clearly better than comparable parts. Brightness, sharpness, colour and sizes may be part of "
    "the content."
)


def describe(found: ShortcutsFound) -> tuple[str, ...]:
    """Sentences, the most serious first."""
    by_name = {one.name: one for one in found.shortcuts}
    sentences = [_sentence(one, found.chance) for one in found.named[:MOST_SAID]]
    if len(found.named) > MOST_SAID:
        others = ", ".join(one.name for one in found.named[MOST_SAID:])
        sentences.append(f"Other properties that predict the class: {others}.")
    if not found.named:
        tried = [one.name for one in found.shortcuts if one.name != "centre"]
        sentences.append(
            f"No shortcut was found: on {found.n_images:,} images, none of these properties alone clearly predicts the "
            f"class: {', '.join(tried)}."
        )
    if "border" in by_name and "centre" in by_name:
        border, centre = by_name["border"].score, by_name["centre"].score
        sentences.append(
            f"A tiny model that sees only the border has a balanced accuracy of {border.percent()}, one that sees only "
            f"the centre {centre.percent()}; guessing would have {percent(found.chance)}."
        )
    return tuple(sentences)


def _sentence(one: Shortcut, chance: float) -> str:
    singled = f"; it mainly separates {one.label} from the other classes" if one.label else ""
    example = f". {one.example}" if one.example else ""
    return (
        f"A tiny model that sees only the {one.name} has a balanced accuracy of {one.score.percent()}, against "
        f"{percent(chance)} for guessing{singled}{example}. {_consequence(one.following, one.may_be_content)}"
    )


def _consequence(following: Following | None, may_be_content: bool) -> str:
    if following is None:
        return "Whether the model relies on it could not be measured."
    if following.n_misled < FEWEST_MISLED:
        return (
            f"Too few images contradict it ({following.n_misled}) to tell whether the model relies on it: collect "
            "images of each class that differ in it."
        )
    d = following.difference
    if not d.is_defined:
        return "Whether the model relies on it could not be measured: it misleads on all or no images of each class."
    gap = f"{100 * d.value:+.0f} points within classes, {100 * d.low:+.0f} to {100 * d.high:+.0f}"
    rates = (
        f"wrong on {percent(following.error_misled)} of the images on which this misleads and on "
        f"{percent(following.error_others)} of the others ({gap})"
    )
    if following.is_clear and may_be_content:
        return f"The model is {rates}: it may rely on it, or such images are harder."
    if following.is_clear:
        return f"The model's errors follow it: it is {rates}. Collect images of each class that differ in it."
    return f"The model's errors do not clearly follow it: it is {rates}."


def table(found: ShortcutsFound) -> Table:
    """A row for each property, the most predictive first."""
    rows = []
    for one in sorted(found.shortcuts, key=lambda each: -each.score.value):
        seen = one.following
        known = seen is not None and seen.difference.is_defined
        rows.append((
            one.name, *one.score.rounded(), "yes" if one.is_named else "no", one.label or None,
            *((seen.n_misled, *seen.difference.rounded()) if known and seen else (None, None, None, None)),
            _number(seen.association) if seen else None,
        ))  # fmt: skip
    columns = (
        "seen alone", "balanced accuracy", "low", "high", "named", "singles out", "images it misleads",
        "more errors there", "from", "to", "association",
    )  # fmt: skip
    note = (
        f"{_NOTE} Guessing: {found.chance:.3f}. Association: rank correlation of the model's certainty with that of "
        "the tiny model."
    )
    return Table("What else predicts the class?", columns, tuple(rows), note)


def figure(found: ShortcutsFound) -> Figure:
    """The balanced accuracy of each property with its interval, and a line for guessing."""
    values = [
        {"seen alone": one.name, **dict(zip(("value", "low", "high"), one.score.rounded(), strict=True)),
         "named": "named" if one.is_named else "not named"}
        for one in found.shortcuts
    ]  # fmt: skip
    y = {"field": "seen alone", "type": "nominal", "sort": {"field": "value", "order": "descending"}, "title": None}
    scale = {"domain": [0, 1]}
    spec = {
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "rule", "strokeDash": [4, 4]},
             "encoding": {"x": {"datum": round(found.chance, 4), "type": "quantitative"}}},
            {"mark": "rule", "encoding": {
                "y": y, "x": {"field": "low", "type": "quantitative", "scale": scale, "title": "balanced accuracy"},
                "x2": {"field": "high"}}},
            {"mark": {"type": "point", "filled": True, "size": 60}, "encoding": {
                "y": y, "x": {"field": "value", "type": "quantitative", "scale": scale},
                "shape": {"field": "named", "type": "nominal", "title": None}}},
        ],
    }  # fmt: skip
    named = ", ".join(one.name for one in found.named) or "none"
    return Figure(
        "What else predicts the class?", spec,
        f"Balanced accuracy of tiny models on one property each; named: {named}.",
        "With 95 % intervals; the dashed line is guessing.",
    )  # fmt: skip


def _number(association: ScoreInterval) -> float | None:
    return round(association.value, 2) if math.isfinite(association.value) else None
