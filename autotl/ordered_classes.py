"""The order of classes: as given, by the numbers in their names, or by a scale that is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SCALES: tuple[tuple[str, ...], ...] = (
    ("none", "very low", "low", "medium low", "medium", "moderate", "medium high", "high", "very high", "extreme"),
    ("none", "no", "absent", "minimal", "mild", "moderate", "severe", "very severe", "proliferative"),
    ("tiny", "very small", "small", "medium", "large", "very large", "huge"),
    ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("never", "rarely", "seldom", "sometimes", "often", "usually", "always"),
    ("terrible", "very bad", "very poor", "bad", "poor", "fair", "average", "ok", "good", "very good", "excellent"),
    ("very negative", "negative", "neutral", "positive", "very positive"),
    ("strongly disagree", "disagree", "rather disagree", "neutral", "rather agree", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("very unlikely", "unlikely", "possible", "likely", "very likely", "certain"),
    ("worst", "worse", "same", "better", "best"),
    ("young", "middle aged", "old"),
    ("child", "teenager", "adult", "senior"),
    ("first", "second", "third", "fourth", "fifth", "sixth"),
    ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"),
    ("keine", "sehr niedrig", "niedrig", "gering", "mittel", "hoch", "sehr hoch"),
    ("leicht", "mittel", "schwer"),
    ("klein", "mittel", "groß"),
    ("schlecht", "mittel", "gut", "sehr gut"),
    ("bajo", "medio", "alto"),
    ("faible", "moyen", "élevé"),
    ("basso", "medio", "alto"),
)
"""Words of known scales, from low to high; a data set may use some of one."""
GIVEN = "as given"
"""The `how` of an order that the user gave."""
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


@dataclass(frozen=True)
class Order:
    """names: of the classes, from low to high. how: what the order was told by, in words; `GIVEN` if it was given."""

    names: tuple[str, ...]
    how: str


def find_order(names: Iterable[str], given: Sequence[str] = ()) -> Order | None:
    """The order of classes; None if nothing tells it.

    given: an order that decides if it is not empty. It may name more classes; those that it lacks come last, by name.
    Names that are numbers, that have one number each and are alike otherwise ("grade 2", "grade 10"), or that begin
    with a number of their own ("1 low", "2 high") go by these numbers; others by a known scale that has all of them.
    """
    different = sorted(set(names))
    if not different:
        return None
    if given:
        named = dict.fromkeys(name for name in given if name in different)
        return Order(tuple({**named, **dict.fromkeys(different)}), GIVEN)
    return _by_numbers(different) or _by_first_number(different) or _by_scale(different)


def _by_numbers(names: Sequence[str]) -> Order | None:
    found = [_NUMBER.findall(name) for name in names]
    rest = {_NUMBER.sub("#", name.strip().lower()) for name in names}
    if len(rest) > 1 or any(len(numbers) != 1 for numbers in found):
        return None
    how = "their numbers" if rest == {"#"} else "the number in each name"
    return _sorted(names, [_value(numbers[0]) for numbers in found], how)


def _by_first_number(names: Sequence[str]) -> Order | None:
    found = [_NUMBER.match(name.strip()) for name in names]
    if not all(found):
        return None
    return _sorted(names, [_value(one.group()) for one in found if one], "the number at the start of each name")


def _by_scale(names: Sequence[str]) -> Order | None:
    plain = {re.sub(r"[\s_-]+", " ", name.strip().lower()): name for name in names}
    for scale in SCALES:
        if len(plain) == len(names) > 1 and set(plain) <= set(scale):
            return Order(tuple(plain[word] for word in scale if word in plain), "a known scale")
    return None


def _sorted(names: Sequence[str], values: Sequence[float], how: str) -> Order | None:
    if len(set(values)) < len(values):
        return None
    return Order(tuple(name for _, name in sorted(zip(values, names, strict=True))), how)


def _value(number: str) -> float:
    return float(number.replace(",", "."))
