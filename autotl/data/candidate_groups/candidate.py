"""A candidate grouping: which images may belong together, and whether that is worth a question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autotl.targets import CLASSES, LABELS, NUMBER, kind_of

FEWEST_GROUPS = 4
"""Groups of more than one image; with fewer nothing can be told of groups that were never seen."""
LEAST_GROUPED = 0.1
"""Share of the images that share their group with another; with fewer the grouping cannot matter."""
FEWEST_GROUPS_OF_A_CLASS = 3
"""One to test on and two to train on; a class with fewer has no answer for groups that were never seen."""
_SAME = 0.02
"""Two groupings that differ in so few groups say the same."""
_RESTATED = 0.8
"""A grouping restates the target if it divides so much of the range of a number, or if so many of its items are in
groups that stand for one label each."""
_N_EXAMPLES, _N_FILES = 3, 2


@dataclass(frozen=True, eq=False)
class GroupCandidate:
    """A way to say which images belong together.

    name: what `--groups` takes for it. how: where it was read from, in words. of: what one group is called, such as
    "patient". group: the group of each item, text (n_items,), empty for an image that shares its group with no other.
    examples: a group with some of its files each. named: whether the user named it. decides: whether such groups may be
    kept on one side without being asked for; what only describes images may not.
    """

    name: str
    how: str
    of: str
    group: np.ndarray
    examples: tuple[str, ...] = ()
    named: bool = False
    decides: bool = True

    @property
    def n_groups(self) -> int:
        """Number of groups of more than one image."""
        return len(np.unique(self.group[self.group != ""]))

    def numbers(self) -> np.ndarray:
        """The number of each item's group, int (n_items,); an image without a group has one of its own."""
        return group_numbers(self.group)

    def unanswerable(self, labels: np.ndarray) -> np.ndarray:
        """The classes or labels that have too few groups to keep one back, int, sorted; none of a number."""
        kind, numbers = kind_of(labels), self.numbers()
        if kind == NUMBER:
            return np.zeros(0, dtype=int)
        if kind == LABELS:
            rows, labels = np.nonzero(labels > 0)
            numbers = numbers[rows]
        pairs = np.unique(np.stack([labels, numbers]), axis=1)
        counts = np.bincount(pairs[0], minlength=int(labels.max(initial=-1)) + 1)
        return np.flatnonzero((counts > 0) & (counts < FEWEST_GROUPS_OF_A_CLASS))


def group_numbers(group: np.ndarray) -> np.ndarray:
    """Numbers from 0 of groups that are given as text, int (n,); each empty text gets a number of its own."""
    named = group != ""
    numbers = np.empty(len(group), dtype=int)
    numbers[named] = np.unique(group[named], return_inverse=True)[1]
    numbers[~named] = len(np.unique(group[named])) + np.arange(int((~named).sum()))
    return numbers


def items_of(labels: np.ndarray, classes: Iterable[int]) -> np.ndarray:
    """Which items have one of these classes or labels, bool (n,)."""
    named = list(classes)
    return np.asarray((labels[:, named] > 0).any(axis=1) if labels.ndim == 2 else np.isin(labels, named))


def make_candidate(
    items: pd.DataFrame, name: str, group: pd.Series, *, how: str, of: str, decides: bool = True
) -> GroupCandidate:
    """A candidate with the groups of one image emptied, and its largest groups as examples."""
    group = group.fillna("").astype(str)
    size = group.map(group.value_counts())
    group = group.where(size > 1, "")
    files = items["path"].str.rsplit("/", n=1).str[-1]
    largest = group[group != ""].value_counts(sort=True).index[:_N_EXAMPLES]
    examples = tuple(f"{one}: {', '.join(files[group == one].iloc[:_N_FILES])}" for one in largest)
    return GroupCandidate(name, how, of, group.to_numpy(dtype=str), examples, decides=decides)


def plausible(candidates: Iterable[GroupCandidate], labels: np.ndarray) -> list[GroupCandidate]:
    """Those that are worth a measurement, in their order; of several that say the same, the first.

    A grouping must have several groups of more than one image, hold a good part of the images, and be neither the
    label nor a single group; at least two classes, or one of several labels, must have an answer.
    """
    kept: list[GroupCandidate] = []
    for candidate in candidates:
        numbers = candidate.numbers()
        if not candidate.n_groups or _is_useless(candidate, numbers, labels):
            continue
        if not any(_same(numbers, other.numbers()) for other in kept):
            kept.append(candidate)
    return kept


def _is_useless(candidate: GroupCandidate, numbers: np.ndarray, labels: np.ndarray) -> bool:
    grouped = candidate.group != ""
    if candidate.n_groups < FEWEST_GROUPS or grouped.mean() < LEAST_GROUPED:
        return True
    kind = kind_of(labels)
    if kind == NUMBER:
        return _divides_range(numbers[grouped], labels[grouped])
    present = len(np.unique(labels)) if kind == CLASSES else int((labels > 0).any(axis=0).sum())
    if present - len(candidate.unanswerable(labels)) < (2 if kind == CLASSES else 1):
        return True
    if kind == CLASSES:
        return _same(numbers, labels)
    combinations = np.unique(labels, axis=0, return_inverse=True)[1].reshape(len(labels))
    return _same(numbers, combinations) or _restates_labels(numbers[grouped], labels[grouped] > 0)


def _divides_range(group: np.ndarray, values: np.ndarray) -> bool:
    """Whether groups are ranges of a number one after the other, such as age groups of ages."""
    places = np.unique(group, return_inverse=True)[1]
    low, high = np.full(places.max() + 1, np.inf), np.full(places.max() + 1, -np.inf)
    np.minimum.at(low, places, values)
    np.maximum.at(high, places, values)
    order = np.argsort(low, kind="stable")
    apart = (low[order][1:] > high[order][:-1]).all()
    return bool(apart and (high - low).sum() >= _RESTATED * np.ptp(values))


def _restates_labels(group: np.ndarray, applies: np.ndarray) -> bool:
    """Whether most items are in groups that stand for a label, as where files are named after one of their labels.

    All items of such a group have the label, other groups have it too, and in none of them all items have it.
    """
    places, sizes = np.unique(group, return_inverse=True, return_counts=True)[1:]
    counts = np.zeros((len(sizes), applies.shape[1]))
    np.add.at(counts, places, applies)
    whole = counts >= (1 - _SAME) * sizes[:, None]
    own = whole & (whole.sum(axis=0) == 1) & ((counts > 0).sum(axis=0) >= FEWEST_GROUPS_OF_A_CLASS)
    return bool(sizes[own.any(axis=1)].sum() >= _RESTATED * len(group))


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two groupings, given as numbers, are the same but for a few groups."""
    a, b = len(np.unique(first)), len(np.unique(second))
    both = len(np.unique(np.stack([first, second]), axis=1).T)
    return both - min(a, b) <= _SAME * min(a, b)
