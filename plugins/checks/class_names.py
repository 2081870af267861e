"""Class names that are easily confused, or that have an order which the model does not know."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import counted, listed
from autotl.targets import ORDERED
from autotl_plugins.checks._proposals import MOST

if TYPE_CHECKING:
    from autotl.data.dataset import Dataset

LONG_ENOUGH = 6
"""In names of at least this length, one different letter is more likely a typing error than another word."""
SCALES = (
    ("none", "slight", "mild", "moderate", "severe", "extreme"),
    ("very low", "low", "medium", "high", "very high"),
    ("low", "middle", "high"),
    ("low", "moderate", "high"),
    ("tiny", "small", "medium", "large", "huge"),
    ("never", "rarely", "seldom", "sometimes", "often", "always"),
    ("terrible", "bad", "poor", "fair", "average", "good", "very good", "excellent"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("negative", "neutral", "positive"),
    ("first", "second", "third", "fourth", "fifth"),
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    ("young", "middle aged", "old"),
    ("beginner", "intermediate", "advanced", "expert"),
    ("early", "middle", "late"),
)


def class_names(dataset: Dataset) -> Iterator[Finding]:
    """Name classes that are probably one class with two spellings, and ordered classes in alphabetical order."""
    classes = list(dataset.classes)
    counts = {str(label): int(n) for label, n in dataset.items["label"].value_counts().items()}
    seen: set[tuple[str, str]] = set()
    for word, alike in (
        ("only in case, spaces or special characters", _written_alike),
        ("only in leading zeros", _number_alike),
        ("only in singular and plural", _plural_alike),
    ):
        pairs = [pair for pair in _pairs(classes, alike) if pair not in seen]
        seen.update(pairs)
        if pairs:
            advice = "Put their images into one folder if they are one class; otherwise the model treats them as two."
            yield Finding(
                "class-names",
                "warning",
                _differ(pairs, word, counts),
                advice=advice,
                fixes=_merge(pairs[0], counts),
                proposals=_merges(pairs, counts),
            )
    slips = [pair for pair in _slips(classes) if pair not in seen]
    if slips:
        advice = "Correct the name if it is a typing error; otherwise keep it."
        yield Finding(
            "class-names",
            "info",
            _differ(slips, "in one letter", counts),
            advice=advice,
            fixes=_merge(slips[0], counts),
            proposals=_merges(slips, counts),
        )
    if dataset.kind != ORDERED:
        yield from _orders(classes)


def _merge(pair: tuple[str, str], counts: dict[str, int]) -> tuple[tuple[str, str, str], ...]:
    """Put the smaller class into the larger one."""
    smaller, larger = sorted(pair, key=lambda name: counts[name])
    return (("merge", smaller, larger),)


def _merges(pairs: list[tuple[str, str]], counts: dict[str, int]) -> tuple[tuple[str, str, str], ...]:
    """Put every smaller class into the larger one; a class that is to go is named once."""
    merges: dict[str, tuple[str, str, str]] = {}
    for pair in pairs:
        ((decision, smaller, larger),) = _merge(pair, counts)
        if larger not in merges:
            merges.setdefault(smaller, (decision, smaller, larger))
    return tuple(merges.values())[:MOST]


def _differ(pairs: list[tuple[str, str]], word: str, counts: dict[str, int]) -> str:
    named = [f"{a!r} ({counted(counts[a], 'image')}) and {b!r} ({counted(counts[b], 'image')})" for a, b in pairs]
    return (
        f"{counted(len(pairs), 'pair')} of class names {'differs' if len(pairs) == 1 else 'differ'} {word}: "
        + listed(named, most=3)
    )


def _pairs(classes: list[str], key: Callable[[str], str]) -> list[tuple[str, str]]:
    """The pairs of classes that have one key."""
    same = defaultdict(list)
    for name in classes:
        same[key(name)].append(name)
    return [pair for names in same.values() for pair in combinations(names, 2)]


def _written_alike(name: str) -> str:
    """The name in lower case without spaces, hyphens, accents that are written in two ways, or invisible signs."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    # In numbers these signs count: 1.5 is not 15, nor -1 the same as 1.
    plain = re.sub(r"^-(?=\d)", "minus", re.sub(r"(?<=\d)[.,](?=\d)", "point", plain))
    alike = "".join(letter for letter in plain if letter.isalnum() or unicodedata.category(letter)[0] in "MS")
    return alike or plain


def _number_alike(name: str) -> str:
    return str(int(name)) if name.isdecimal() else _written_alike(name)


def _plural_alike(name: str) -> str:
    alike = _written_alike(name)
    if len(alike) < 4:
        return alike
    if alike.endswith("ies"):
        return alike[:-3] + "y"
    if re.search(r"(s|x|z|ch|sh)es$", alike):
        return alike[:-2]
    return alike[:-1] if alike.endswith("s") and not alike.endswith("ss") else alike


def _slips(classes: list[str]) -> list[tuple[str, str]]:
    """Pairs of long names that one letter too many, too few, wrong or swapped with its neighbour makes the same."""
    near = defaultdict(set)
    for name in classes:
        alike = _written_alike(name)
        if len(alike) >= LONG_ENOUGH:
            # Names one letter apart have a form in common in which one place is left out.
            for key in {alike, *(alike[:i] + alike[i + 1 :] for i in range(len(alike)))}:
                near[key].add(name)
    pairs = {pair for names in near.values() for pair in combinations(sorted(names), 2)}
    return sorted(pair for pair in pairs if _one_slip(*map(_written_alike, pair)))


def _one_slip(a: str, b: str) -> bool:
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    one, two = a[start:], b[start:]
    while one and two and one[-1] == two[-1]:
        one, two = one[:-1], two[:-1]
    # Numbered and lettered series (site1, site2; type A, type B) differ in one sign on purpose, at the end.
    if any(sign.isdigit() for sign in one + two) or (start == len(a) - 1 == len(b) - 1):
        return False
    return max(len(one), len(two)) <= 1 or (len(one) == 2 and one == two[::-1])


def _orders(classes: list[str]) -> Iterator[Finding]:
    natural = sorted(classes, key=_natural)
    if natural != classes and all(re.search(r"\d", name) for name in classes):
        yield Finding(
            "class-names",
            "info",
            f"the classes are named by numbers, but sorted as text: {listed(classes, most=5)}; not "
            f"{listed(natural, most=5)}",
            advice="This does not affect the model; name them 01, 02, ..., 10 to see them in order.",
        )
    scale = _scale(classes)
    if scale and scale != classes:
        yield Finding(
            "class-names",
            "info",
            f"the classes look like the steps of a scale ({', '.join(scale)}); the model ignores their order, and they "
            f"are sorted alphabetically ({', '.join(classes)})",
            advice="Read the confusion matrix with the order in mind: an error of two steps counts no more than one.",
        )


def _natural(name: str) -> list[tuple[int, int, str]]:
    """The key that sorts class 2 before class 10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _scale(classes: list[str]) -> list[str]:
    """The classes in the order of a known scale that has all of them, at least three; or nothing."""
    plain = {re.sub(r"[\W_]+", " ", name).strip().casefold(): name for name in classes}
    for scale in SCALES:
        if len(classes) >= 3 and len(plain) == len(classes) and set(plain) <= set(scale):
            return [plain[step] for step in scale if step in plain]
    return []


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("class-names", class_names)
