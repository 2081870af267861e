"""Shortcuts in sentences, as a table and as a figure."""

from __future__ import annotations

import math

from autotl.interfaces import Figure, ScoreInterval, Table
from autotl.runs.shortcuts import Following, Shortcut, ShortcutsFound

MOST_SAID = 3
FEWEST_MISLED = 5
"""With fewer images that contradict a shortcut nobody can tell whether the model goes by it."""
_NOTE = (
    "Each row is a tiny cross-validated model that sees nothing of an image but this. Named is what tells the class "
    "clearly beyond a margin, corrected for the number of rows; a corner or the border only where it tells clearly "
    "more than comparable parts. Brightness, sharpness, colour and sizes may be part of what is shown."
)


def describe(found: ShortcutsFound) -> tuple[str, ...]:
    """Sentences, the gravest first."""
    by_name = {one.name: one for one in found.shortcuts}
    sentences = [_sentence(one, found.chance) for one in found.named[:MOST_SAID]]
    if len(found.named) > MOST_SAID:
        others = ", ".join(one.name for one in found.named[MOST_SAID:])
        sentences.append(f"So do: {others}.")
    if not found.named:
        tried = [one.name for one in found.shortcuts if one.name != "centre"]
        sentences.append(
            f"No shortcut was found: on {found.n_images:,} images the class cannot clearly be told from any of these "
            f"alone: {', '.join(tried)}."
        )
    if "border" in by_name and "centre" in by_name:
        border, centre = by_name["border"].score, by_name["centre"].score
        sentences.append(
            f"A tiny model that sees only the border tells the class in {percent(border)}, one that sees only the "
            f"centre in {percent(centre)}; guessing would in {found.chance:.0%}."
        )
    return tuple(sentences)


def percent(score: ScoreInterval) -> str:
    """A share with its interval, such as "71% (66 to 76)"."""
    return f"{score.value:.0%} ({100 * score.low:.0f} to {100 * score.high:.0f})"


def _sentence(one: Shortcut, chance: float) -> str:
    singled = f", and singles out {one.label}" if one.label else ""
    text = f"From the {one.name} alone a tiny model tells the class in {percent(one.score)} of images{singled}"
    example = f"; {one.example}" if one.example else ""
    return f"{text}; guessing would in {chance:.0%}{example}. {_consequence(one.following, one.may_be_content)}"


def _consequence(following: Following | None, may_be_content: bool) -> str:
    if following is None:
        return "Whether the model goes by it could not be measured."
    if following.n_misled < FEWEST_MISLED:
        return (
            f"Too few images contradict it ({following.n_misled}) to tell whether the model goes by it: collect images "
            "of each class in which it is otherwise."
        )
    d = following.difference
    gap = f"{100 * d.value:+.0f} points, {100 * d.low:+.0f} to {100 * d.high:+.0f}, at equal class"
    rates = f"{following.error_misled:.0%} where it misleads, {following.error_others:.0%} elsewhere ({gap})"
    if following.is_clear and may_be_content:
        return f"The model errs in {rates}: it may go by it, or such images are harder."
    if following.is_clear:
        return (
            f"The model's errors follow it: it errs in {rates}. Collect images of each class in which it is otherwise."
        )
    return f"The model's errors do not clearly follow it: it errs in {rates}."


def table(found: ShortcutsFound) -> Table:
    """A row for each property, the most telling first."""
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
    note = f"{_NOTE} Guessing: {found.chance:.3f}. Association: rank correlation of the model's certainty with its own."
    return Table("What else tells the class?", columns, tuple(rows), note)


def figure(found: ShortcutsFound) -> Figure:
    """Each property's balanced accuracy with its interval, and a line where guessing is."""
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
        "What else tells the class?", spec, f"Balanced accuracy of tiny models on one property each; named: {named}.",
        "With 95 % intervals; the dashed line is guessing.",
    )  # fmt: skip


def _number(association: ScoreInterval) -> float | None:
    return round(association.value, 2) if math.isfinite(association.value) else None
