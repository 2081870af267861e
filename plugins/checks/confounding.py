"""Whether file properties alone predict the class: a model then learns how the images were made, not what they show.

Properties are format, colour mode, width, height and shape, but not the file size, which depends on the content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotl.evidence.tiny_models import Guesses, guess_by_tree
from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import percent

if TYPE_CHECKING:
    import pandas as pd

    from autotl.data.dataset import Dataset

MIN_PER_CLASS = 8
"""Smaller classes are left out: a few images may have the same format by chance alone."""
MOST_PER_CLASS = 200
"""Drawn from larger classes: enough for a lower bound four points below the estimate, and quick."""
FOLDS = 4
CLEAR, CLEAR_FOR_ONE = 0.4, 0.65
"""How far the lower bound must lie from guessing (0) towards knowing (1). Cut-out images, whose size and shape follow
what they show, reach 0.28 and 0.54 (438 stamps). One class against the others needs more: there are as many such
comparisons as classes."""
NAMES = {"format": "file format", "mode": "colour mode", "width": "width", "height": "height", "shape": "shape"}


def confounding(dataset: Dataset) -> Iterator[Finding]:
    """Report how well file properties alone predict the class, and which does so best."""
    items = _drawn(dataset.items)
    properties = _properties(items)
    names = [name for name in NAMES if items["label"].nunique() > 1 and properties[name].nunique() > 1]
    if not names:
        return
    classes, labels = np.unique(items["label"].to_numpy(dtype=str), return_inverse=True)
    guesses = _guess(properties[names], labels)
    one = max(range(len(classes)), key=lambda label: guesses.skill(label).low)
    if guesses.skill().low > CLEAR:
        summary = (
            f"file properties alone predict the class with a balanced accuracy of {percent(guesses.recalls.mean())}, "
            f"against {percent(guesses.chance)} for guessing"
        )
    elif guesses.skill(one).low > CLEAR_FOR_ONE:
        summary = f"file properties alone distinguish the class {classes[one]} from the others"
    else:
        return
    example = _most_telling(properties[names], labels, list(classes))
    label = example.label
    concerned = dataset.items[dataset.items["label"] == label]
    yield Finding(
        "confounding",
        "warning",
        f"{summary}; the most predictive is the {NAMES[example.name]}: {example.sentence}",
        items=tuple(concerned["path"]),
        advice="Find out how the classes were collected, and save all images in one format, mode and size: otherwise "
        "the model may learn the source of an image instead of what it shows.",
    )


@dataclass(frozen=True)
class Example:
    """The property and the class that show the confounding best."""

    name: str
    label: str
    sentence: str


def _drawn(items: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_PER_CLASS rows of every class that is large enough, in a fixed order."""
    sizes = items.groupby("label")["label"].transform("size")
    shuffled = items[sizes >= MIN_PER_CLASS].sample(frac=1, random_state=0)
    return shuffled.groupby("label").head(MOST_PER_CLASS).sort_values("path").reset_index(drop=True)


def _properties(items: pd.DataFrame) -> pd.DataFrame:
    # Rounded, because 0.667 and 0.668 are one shape to the person who made the images.
    shape = np.log2(items["width"] / items["height"]).round(2)
    return items[["format", "mode", "width", "height"]].assign(shape=shape)


def _guess(properties: pd.DataFrame, labels: np.ndarray) -> Guesses:
    import pandas as pd
    from sklearn.model_selection import StratifiedKFold

    fold = np.empty(len(labels), dtype=int)
    for number, (_, held_out) in enumerate(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(labels, labels)):
        fold[held_out] = number
    return guess_by_tree(pd.get_dummies(properties, dtype=float).to_numpy(), labels, fold)


def _most_telling(properties: pd.DataFrame, labels: np.ndarray, classes: list[str]) -> Example:
    guesses = {name: _guess(properties[[name]], labels) for name in NAMES if name in properties}
    name = max(guesses, key=lambda each: max(guesses[each].skill(c).low for c in range(len(classes))))
    best = max(range(len(classes)), key=lambda label: guesses[name].skill(label).low)
    values, own = properties[name], labels == best
    common = values[own].mode().iloc[0]
    inside, outside = float((values[own] == common).mean()), float((values[~own] == common).mean())
    if inside >= 0.5:
        sentence = f"{_share(inside)} of {classes[best]} {_words(name, common)}, and {_share(outside)} of the others"
    else:
        middle, others = _words(name, values[own].median()), _value(name, values[~own].median())
        sentence = f"half of {classes[best]} {middle} or less, half of the others {others} or less"
    return Example(name, classes[best], sentence)


def _share(share: float) -> str:
    return {0.0: "none", 1.0: "all"}.get(share, percent(min(max(share, 0.01), 0.99)))


def _words(name: str, value: object) -> str:
    phrases = {"format": "are {} files", "mode": "have the mode {}", "width": "are {} wide", "height": "are {} high"}
    return phrases.get(name, "are {} as wide as high").format(_value(name, value))


def _value(name: str, value: Any) -> str:
    if name in ("format", "mode"):
        return str(value)
    return f"{2**value:.1f} times" if name == "shape" else f"{value:,.0f} pixels"


@hookimpl
def register_checks() -> Iterable[Check]:
    yield Check("confounding", confounding, modality="image")
