"""Whether the language, the encoding or the format of texts predicts their class.

A model then learns where a text comes from, not what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from autotl.evidence.tiny_models import guess_by_tree
from autotl.hookspecs import hookimpl
from autotl.interfaces import Check, Finding
from autotl.runtime.wording import listed, percent

if TYPE_CHECKING:
    import pandas as pd

    from autotl.data.dataset import Dataset

MIN_PER_CLASS, MOST_PER_CLASS, FOLDS = 8, 200, 4
"""As in `confounding`: classes with fewer such texts are left out, and of larger ones some are drawn."""
CLEAR, CLEAR_FOR_ONE = 0.4, 0.65
"""How far the lower bound must lie from guessing (0) towards knowing (1), as in `confounding`."""
SECOND_LANGUAGE = 0.05
"""Fewer texts in other languages are mistakes of the guess, or quotations."""


@dataclass(frozen=True)
class Origin:
    """A property of a file. unknown: its values that say nothing. words: what texts do that have a value."""

    column: str
    unknown: tuple[str, ...]
    words: str
    advice: str


ORIGINS = (
    Origin(
        "language",
        ("",),
        "are in the language {}",
        "Take texts of every class in each language, unless the language belongs to what the class means; otherwise "
        "the model may learn the language instead of what the texts say.",
    ),
    # Texts in ASCII are the same in every encoding.
    Origin(
        "encoding",
        ("", "ascii"),
        "have the encoding {}",
        "Find out how the classes were collected: they seem to come from different programs, which may have left other "
        "traces in the texts too.",
    ),
    Origin(
        "format",
        ("",),
        "are {} files",
        "Find out how the classes were collected, and take texts of every class from each source: otherwise the model "
        "may learn the source of a text instead of what it says.",
    ),
)


def look(origin: Origin, dataset: Dataset) -> Iterator[Finding]:
    """Report how well a property of the files alone predicts the class."""
    items = dataset.items[~dataset.items[origin.column].isin(origin.unknown)]
    if len(items) < len(dataset.items) / 2 and origin.column != "encoding":
        return
    drawn = _drawn(items)
    if drawn["label"].nunique() < 2 or drawn[origin.column].nunique() < 2:
        return
    classes, labels = np.unique(drawn["label"].to_numpy(dtype=str), return_inverse=True)
    guesses = guess_by_tree(_columns(drawn[origin.column]), labels, _folds(labels))
    one = max(range(len(classes)), key=lambda label: guesses.skill(label).low)
    if guesses.skill().low <= CLEAR and guesses.skill(one).low <= CLEAR_FOR_ONE:
        return
    own = drawn["label"] == classes[one]
    common = drawn[origin.column][own].mode().iloc[0]
    inside, outside = ((drawn[origin.column][rows] == common).mean() for rows in (own, ~own))
    yield Finding(
        f"text-{origin.column}",
        "warning",
        f"the {origin.column} of a text alone predicts the class with a balanced accuracy of "
        f"{percent(guesses.recalls.mean())}, against {percent(guesses.chance)} for guessing: {_share(inside)} of "
        f"{classes[one]} {origin.words.format(common)}, and {_share(outside)} of the others",
        items=tuple(items["path"][items["label"] == classes[one]]),
        advice=origin.advice,
    )


def languages(dataset: Dataset) -> Iterator[Finding]:
    """Report that texts are in several languages."""
    known = dataset.items["language"][dataset.items["language"] != ""]
    shares = known.value_counts(normalize=True)
    shares = shares[shares >= SECOND_LANGUAGE]
    if len(known) < len(dataset.items) / 2 or len(shares) < 2:
        return
    named = listed(f"{language}: {percent(share)}" for language, share in shares.items())
    others = dataset.items[dataset.items["language"].isin(shares.index[1:])]
    yield Finding(
        "languages",
        "info",
        f"the texts are in several languages ({named})",
        items=tuple(others["path"]),
        advice="Most text encoders were trained on English; word counts take any language, but learn each by itself.",
    )


def _drawn(items: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_PER_CLASS rows of every class that is large enough, in a fixed order."""
    sizes = items.groupby("label")["label"].transform("size")
    shuffled = items[sizes >= MIN_PER_CLASS].sample(frac=1, random_state=0)
    drawn: pd.DataFrame = shuffled.groupby("label").head(MOST_PER_CLASS).sort_values("path").reset_index(drop=True)
    return drawn


def _columns(values: pd.Series) -> np.ndarray:
    import pandas as pd

    return np.asarray(pd.get_dummies(values, dtype=float).to_numpy())


def _folds(labels: np.ndarray) -> np.ndarray:
    from sklearn.model_selection import StratifiedKFold

    fold = np.empty(len(labels), dtype=int)
    for number, (_, held_out) in enumerate(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(labels, labels)):
        fold[held_out] = number
    return fold


def _share(share: float) -> str:
    return {0.0: "none", 1.0: "all"}.get(float(share), percent(min(max(share, 0.01), 0.99)))


@hookimpl
def register_checks() -> Iterable[Check]:
    for origin in ORIGINS:
        run: Callable[..., Iterable[Finding]] = partial(look, origin)
        yield Check(f"text-{origin.column}", run, modality="text")
    yield Check("languages", languages, modality="text", targets=("classes", "ordered", "labels", "number"))
