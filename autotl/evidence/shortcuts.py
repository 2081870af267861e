"""Shortcuts: properties other than the content that predict the label, each measured by a tiny model on it alone.

A property is claimed only if its skill exceeds a margin, since some skill is legitimate: the shape and size of cut-out
images depend on their content, and strokes reach into the corners. A part of the image, such as a corner or the border,
is a shortcut if it predicts the label clearly better than comparable parts do, as with a watermark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from autotl.evidence.design_effects import effective_share
from autotl.evidence.holm import holm
from autotl.evidence.tiny_models import Guesses, guess_by_ridge, guess_by_tree
from autotl.interfaces import ScoreInterval
from autotl.runs.shortcuts import Shortcut
from autotl.runtime.blas_threads import limit_threads
from autotl.runtime.wording import percent

LEVEL = 0.05
EXCESS = (0.05, 0.1)
"""How much more skill a part of the image must have than comparable parts: for all classes together, and for one class
against the others. Without a watermark, a corner had up to 0.15 more than the best of the others (200 faces), and 0.27
more for a class of digits whose corner has a skill of 0.62."""


class Kind(Enum):
    """What a property describes."""

    FILE = "file"
    """How the image was made and stored, which is unrelated to its content."""
    LOOK = "look"
    """How the image looks as a whole, which is often part of its content."""
    PART = "part"
    """What a part of the image shows, compared with similar parts."""


MARGINS = {Kind.FILE: (0.1, 0.3), Kind.LOOK: (0.25, 0.5), Kind.PART: (0.1, 0.6)}
"""Skill up to which a property is not named: for all classes together, and for one class against the others. The
brightness of faces against backgrounds has 0.54; the size and shape of cut-out images 0.28, and 0.54 for one class."""


@dataclass(frozen=True, eq=False)
class Property:
    """A property of each image, as input of a tiny model.

    values: float (n, n_columns), or text (n,) for categories. references: for a part of the image, groups of names of
    comparable parts. The part is a shortcut if it has more skill than the best part of at least one group.
    is_reference: measured only for comparison with others, and never named.
    """

    name: str
    kind: Kind
    values: np.ndarray
    references: tuple[tuple[str, ...], ...] = ()
    is_reference: bool = False

    @property
    def varies(self) -> bool:
        """Whether the images differ in this property."""
        return len(np.unique(self.values, axis=0)) > 1


def guess(one: Property, labels: np.ndarray, fold: np.ndarray) -> Guesses:
    """Predict the label from a property with a tiny model: a tree for few columns, ridge regression for many."""
    if one.values.ndim == 1:
        names, codes = np.unique(one.values, return_inverse=True)
        return guess_by_ridge(np.eye(len(names))[codes], labels, fold)
    few = one.values.shape[1] <= 8
    return (guess_by_tree if few else guess_by_ridge)(one.values, labels, fold)


def find_shortcuts(
    properties: Sequence[Property], labels: np.ndarray, fold: np.ndarray, *, classes: Sequence[str],
    groups: np.ndarray | None = None,
) -> tuple[tuple[Shortcut, ...], Mapping[str, Guesses]]:  # fmt: skip
    """Measure each property that varies, and name those that predict the label; also returns the guesses by name.

    labels: int (n,), every class occurs; fold: int (n,), for cross-validation; groups: (n,), equal for images that are
    not independent.
    """
    properties = [one for one in properties if one.varies]
    with limit_threads(1):  # problems this small spend more time on starting threads than they gain
        guesses = {one.name: guess(one, labels, fold) for one in properties}
    widened = {name: math.sqrt(_design_effect(found.right, groups)) for name, found in guesses.items()}
    tests = [_test(one, guesses, widened) for one in properties]
    tested = [not one.is_reference for one in properties]
    adjusted = np.ones(len(tests))
    adjusted[tested] = holm([p for (p, _), asked in zip(tests, tested, strict=True) if asked])
    found = []
    for one, (_, label), p in zip(properties, tests, adjusted, strict=True):
        named = bool(p <= LEVEL)
        found.append(Shortcut(
            one.name, _score(guesses[one.name], widened[one.name]), float(p), named,
            one.kind is Kind.LOOK, classes[label] if named and label is not None else "",
            _example(one, labels, classes) if named else "",
        ))  # fmt: skip
    return tuple(found), guesses


def _test(
    one: Property, guesses: Mapping[str, Guesses], widened: Mapping[str, float]
) -> tuple[float, int | None]:  # fmt: skip
    """The p-value of a property, and the index of the class that it singles out; None if it does not single out one."""
    own = guesses[one.name]
    n_classes = own.scores.shape[1]
    references = [[name for name in names if name in guesses] for names in one.references]

    def p_value(label: int | None) -> float:
        least, least_excess = MARGINS[one.kind][label is not None], EXCESS[label is not None or n_classes == 2]
        p = own.skill(label).widened(widened[one.name]).p_above(least)
        excesses = []
        for names in filter(None, references):
            best = max(names, key=lambda name: guesses[name].skill(label).value)
            excesses.append(own.excess_over(guesses[best], label).widened(widened[one.name]).p_above(least_excess))
        return max(p, min(1.0, len(excesses) * min(excesses))) if excesses else p

    overall = p_value(None)
    if n_classes == 2:
        return overall, None
    by_class = [p_value(label) for label in range(n_classes)]
    told = [label for label, p in enumerate(by_class) if n_classes * p <= LEVEL]
    best = min(overall, n_classes * min(by_class))
    return min(1.0, 2 * best), told[0] if len(told) == 1 else None


def _score(guesses: Guesses, widened: float) -> ScoreInterval:
    """The balanced accuracy with its 95 % interval."""
    skill, chance = guesses.skill(), guesses.chance
    value, half = chance + (1 - chance) * skill.value, 1.96 * (1 - chance) * skill.error * widened
    return ScoreInterval(value, max(0.0, value - half), min(1.0, value + half))


def _design_effect(right: np.ndarray, groups: np.ndarray | None) -> float:
    """The design effect of the groups: the number of images divided by the effective sample size, at least 1."""
    if groups is None:
        return 1.0
    share = float(right.mean())
    if not 0 < share < 1:
        return len(right) / len(np.unique(groups))
    return max(1.0, 1 / effective_share(right - share, groups))


def _example(one: Property, labels: np.ndarray, classes: Sequence[str]) -> str:
    """The class and its most common value that best show how a categorical property predicts the label."""
    if one.values.ndim != 1:
        return ""
    told = []
    for label, name in enumerate(classes):
        own = labels == label
        values, counts = np.unique(one.values[own], return_counts=True)
        common = values[counts.argmax()]
        inside, outside = (one.values[own] == common).mean(), (one.values[~own] == common).mean()
        shares = f"{percent(inside)} of {name} have {common or 'none'}, and {percent(outside)} of the others"
        told.append((inside - outside, shares))
    return max(told)[1]
