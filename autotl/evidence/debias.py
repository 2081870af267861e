"""How a model that was trained against bias differs from the champion on the test split: worst group, gap, cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autotl.evidence.audit.subgroups import FEWEST_ITEMS
from autotl.evidence.intervals import clustered_wilson, paired_difference, score_interval, wilson
from autotl.interfaces import UNDEFINED, Proportion, ScoreInterval

WORST, GAP, PRECISION, ACCURACY = "worst-group recall", "gap", "precision", "accuracy"
MEASURES = (WORST, GAP, PRECISION, ACCURACY)
"""Recall of the subgroup with the lowest; the largest difference in recall between two subgroups of one class; the mean
precision of the classes; the share of right answers."""


@dataclass(frozen=True, eq=False)
class GroupedItems:
    """The items of the test split by subgroup, a class within a value of an attribute.

    labels: int (n,), classes. values: int (n,), of the attribute, -1 where it is not known. names: by subgroup, such as
    "face, skin=dark"; subgroup number class * n_values + value. clusters: (n,) of items that are alike, None if none.
    """

    labels: np.ndarray
    values: np.ndarray
    n_values: int
    names: tuple[str, ...]
    clusters: np.ndarray | None = None

    @property
    def group(self) -> np.ndarray:
        """The subgroup of each item, int (n,), -1 if it is not known."""
        return np.where(self.values < 0, -1, self.labels * self.n_values + self.values)

    @property
    def sizes(self) -> np.ndarray:
        """Number of items of each subgroup."""
        return np.bincount(self.group[self.values >= 0], minlength=len(self.names))

    @property
    def judged(self) -> np.ndarray:
        """The subgroups with enough items for a rate, in rising order."""
        return np.flatnonzero(self.sizes >= FEWEST_ITEMS)

    def recalls(self, probabilities: np.ndarray) -> np.ndarray:
        """Recall of each subgroup, NaN where there are too few items."""
        right, group = probabilities.argmax(axis=1) == self.labels, self.group
        found = np.full(len(self.names), math.nan)
        for number in self.judged:
            found[number] = right[group == number].mean()
        return found


@dataclass(frozen=True)
class SeedFigures:
    """What a method did with one seed. values: by measure; differences: to the champion, over the items."""

    values: Mapping[str, float]
    differences: Mapping[str, ScoreInterval]
    groups: Mapping[str, ScoreInterval]


def value_of(measure: str, tested: GroupedItems, probabilities: np.ndarray) -> float:
    """A measure of one model; NaN where no subgroup, or no two of one class, can be judged."""
    if measure == ACCURACY:
        return float((probabilities.argmax(axis=1) == tested.labels).mean())
    if measure == PRECISION:
        return macro_precision(tested.labels, probabilities)
    recalls = tested.recalls(probabilities)[tested.judged]
    if measure == WORST:
        return float(recalls.min()) if len(recalls) else math.nan
    return _gap(recalls, tested.judged // tested.n_values)


def macro_precision(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean precision of the classes that have labels; 0 for a class that is never predicted."""
    predicted, n_classes = probabilities.argmax(axis=1), probabilities.shape[1]
    right = np.bincount(labels[predicted == labels], minlength=n_classes)
    said, present = np.bincount(predicted, minlength=n_classes), np.bincount(labels, minlength=n_classes) > 0
    return float((right / np.maximum(said, 1))[present].mean()) if present.any() else math.nan


def compare(
    tested: GroupedItems, champion: np.ndarray, method: np.ndarray, *, level: float, group_level: float, seed: int
) -> SeedFigures:
    """The measures of a method and their paired differences from the champion's, on the same items.

    champion, method: probabilities (n, n_classes). level, group_level: of the intervals of the measures, and of each
    subgroup. The subgroups that are the worst, or make the gap, are taken as they were found.
    """
    values = {measure: value_of(measure, tested, method) for measure in MEASURES}
    differences = {
        ACCURACY: paired_difference(
            _accuracy, tested.labels, champion, method, groups=tested.clusters, seed=seed, level=level
        ),
        PRECISION: paired_difference(
            macro_precision, tested.labels, champion, method, groups=tested.clusters, seed=seed, level=level,
            bounds=(0, 1),
        ),
    }  # fmt: skip
    for measure in (WORST, GAP):
        own = np.union1d(_deciding(measure, tested, champion), _deciding(measure, tested, method))
        differences[measure] = _of_groups(measure, tested, own, (champion, method), level, seed)
    groups = {
        tested.names[number]: _of_groups(WORST, tested, np.array([number]), (champion, method), group_level, seed)
        for number in tested.judged
    }
    return SeedFigures(values, {measure: differences[measure] for measure in MEASURES}, groups)


def of_champion(
    tested: GroupedItems, champion: np.ndarray, *, seed: int
) -> tuple[dict[str, ScoreInterval], dict[str, ScoreInterval]]:
    """The champion's measures, and its recall of each subgroup, with intervals of 95 %."""
    found = {
        ACCURACY: score_interval(_accuracy, tested.labels, champion, groups=tested.clusters, seed=seed),
        PRECISION: score_interval(
            macro_precision, tested.labels, champion, groups=tested.clusters, seed=seed, bounds=(0, 1)
        ),
    }  # fmt: skip
    for measure in (WORST, GAP):
        own = _deciding(measure, tested, champion)
        found[measure] = _of_groups(measure, tested, own, (champion,), 0.95, seed)
    return {measure: found[measure] for measure in MEASURES}, recalls_with_intervals(tested, champion)


def recalls_with_intervals(tested: GroupedItems, probabilities: np.ndarray) -> dict[str, ScoreInterval]:
    """Recall of each subgroup that can be judged."""
    right, group, found = probabilities.argmax(axis=1) == tested.labels, tested.group, {}
    for number in tested.judged:
        mine = group == number
        if tested.clusters is None:
            found[tested.names[number]] = wilson(int(right[mine].sum()), int(mine.sum()))
        else:
            own = np.unique(tested.clusters[mine], return_inverse=True)[1]
            found[tested.names[number]] = clustered_wilson(np.bincount(own, right[mine]).astype(int), np.bincount(own))
    return found


def over_seeds(differences: Sequence[ScoreInterval], *, level: float) -> ScoreInterval:
    """The mean difference over the seeds, with an interval that covers both the items and the seeds.

    The seeds share their items: the half-widths over the items are averaged, which is at least that of the mean, and
    added in quadrature to Student's interval of the mean over the seeds (Zou & Donner 2008, Statistics in Medicine 27,
    1693, for sums of independent parts). A single seed leaves the interval unknown.
    """
    values = np.array([one.value for one in differences])
    if not len(values) or not np.isfinite(values).all():
        return UNDEFINED
    mean = float(values.mean())
    if len(values) < 2 or not all(one.has_interval for one in differences):
        return ScoreInterval(mean)
    from scipy.stats import t

    of_seeds = float(t.ppf((1 + level) / 2, len(values) - 1)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    below = float(np.mean([one.value - one.low for one in differences]))
    above = float(np.mean([one.high - one.value for one in differences]))
    low, high = mean - math.hypot(below, of_seeds), mean + math.hypot(above, of_seeds)
    return ScoreInterval(mean, max(low, -1.0), min(high, 1.0))


def _accuracy(labels: np.ndarray, probabilities: np.ndarray) -> Proportion:
    return Proportion(int((probabilities.argmax(axis=1) == labels).sum()), len(labels))


def _gap(recalls: np.ndarray, classes: np.ndarray) -> float:
    """The largest difference between two recalls of one class."""
    own = [recalls[classes == label] for label in np.unique(classes)]
    gaps = [float(one.max() - one.min()) for one in own if len(one) > 1]
    return max(gaps, default=math.nan)


def _deciding(measure: str, tested: GroupedItems, probabilities: np.ndarray) -> np.ndarray:
    """The subgroups that a measure of a model comes from: the worst, or the two between which the gap is."""
    judged = tested.judged
    recalls, classes = tested.recalls(probabilities)[judged], judged // tested.n_values
    if measure == WORST:
        return judged[[recalls.argmin()]] if len(judged) else judged
    best: tuple[float, np.ndarray] = (-1.0, np.zeros(0, dtype=int))
    for label in np.unique(classes):
        own = np.flatnonzero(classes == label)
        if len(own) > 1:
            ends = own[[recalls[own].argmin(), recalls[own].argmax()]]
            best = max(best, (float(recalls[ends[1]] - recalls[ends[0]]), judged[ends]), key=lambda one: one[0])
    return best[1]


def _of_groups(
    measure: str, tested: GroupedItems, groups: np.ndarray, models: Sequence[np.ndarray], level: float, seed: int
) -> ScoreInterval:
    """The interval of a measure, or of the difference of two models, from the items of some subgroups alone.

    Those of other subgroups do not enter it. Each subgroup is a stratum of its own.
    """
    if not len(groups):
        return UNDEFINED
    groups = np.unique(groups)
    rows = np.flatnonzero(np.isin(tested.group, groups))
    own, classes = np.searchsorted(groups, tested.group[rows]), groups // tested.n_values
    # One column for each subgroup, which a right answer falls into, and one for wrong answers.
    columns = len(groups)
    answers = []
    for number, probabilities in enumerate(models):
        right = probabilities[rows].argmax(axis=1) == tested.labels[rows]
        sure = np.eye(columns + 1)[np.where(right, own, columns)]
        # Other certainty is another model, whose difference is not known to be 0 where it answers alike.
        alike = number == 0 or np.array_equal(probabilities, models[0])
        answers.append(sure if alike else 0.5 * sure + 0.5 / (columns + 1))

    def score(labels: np.ndarray, found: np.ndarray) -> float:
        n = np.bincount(labels, minlength=columns)
        right = np.bincount(labels[found.argmax(axis=1) == labels], minlength=columns)
        if not n.all():
            return math.nan
        return float((right / n).min()) if measure == WORST else _gap(right / n, classes)

    clusters = None if tested.clusters is None else tested.clusters[rows]
    if len(models) == 1:
        return score_interval(score, own, answers[0], groups=clusters, seed=seed, level=level, bounds=(0, 1))
    return paired_difference(score, own, *answers, groups=clusters, seed=seed, level=level, bounds=(0, 1))
