"""Tiny models that see one property only, cross-validated: how much of the label that property tells by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

RIDGE = 0.1
"""The penalty, for columns of variance 1 and weights that sum to 1: corners and borders of five data sets differ by 2
points from 0.03 to 0.3."""


@dataclass(frozen=True, eq=False)
class Guesses:
    """Out-of-fold answers of a tiny model.

    labels: int (n,), every class from 0 to n_classes - 1 occurs. scores: float (n, n_classes), the highest is the
    answer; above `threshold` they speak for a class against all others.
    """

    labels: np.ndarray
    scores: np.ndarray
    threshold: float

    def of(self, rows: np.ndarray) -> Guesses:
        """The guesses for some of the images."""
        return Guesses(self.labels[rows], self.scores[rows], self.threshold)

    @property
    def chance(self) -> float:
        """The balanced accuracy of guessing."""
        return 1 / int(self.scores.shape[1])

    @cached_property
    def right(self) -> np.ndarray:
        """Whether each answer is right, bool (n,)."""
        return np.asarray(self.scores.argmax(axis=1) == self.labels)

    @cached_property
    def recalls(self) -> np.ndarray:
        """Share of each class that is recognised, float (n_classes,)."""
        return np.bincount(self.labels, self.right) / np.bincount(self.labels)

    @property
    def skill(self) -> Estimate:
        """The balanced accuracy, rescaled to 0 for guessing and 1 for knowing."""
        found = mean_of(self.recalls, np.bincount(self.labels))
        return Estimate((found.value - self.chance) / (1 - self.chance), found.error / (1 - self.chance))

    def skill_for(self, label: int) -> Estimate:
        """The same for one class against all others."""
        speaks = self.scores[:, label] > self.threshold
        own = self.labels == label
        found = mean_of(
            np.array([speaks[own].mean(), (~speaks[~own]).mean()]), np.array([own.sum(), (~own).sum()])
        )  # fmt: skip
        return Estimate(2 * found.value - 1, 2 * found.error)


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error."""

    value: float
    error: float

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.value - 1.96 * self.error

    def p_above(self, margin: float) -> float:
        """One-sided p-value of the hypothesis that the true value is not above a margin."""
        from statistics import NormalDist

        return 1 - NormalDist().cdf((self.value - margin) / self.error)


def mean_of(rates: np.ndarray, trials: np.ndarray) -> Estimate:
    """The mean of independent proportions; for its error two successes and failures are added to each.

    Agresti and Coull, 1998: without them a rate of 1 would have no uncertainty.
    """
    adjusted = (rates * trials + 2) / (trials + 4)
    error = np.sqrt((adjusted * (1 - adjusted) / (trials + 4)).sum()) / len(rates)
    return Estimate(float(rates.mean()), float(error))


def guess_by_tree(columns: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> Guesses:
    """Guess from a few columns, float (n, n_columns), with a small tree that weighs every class alike.

    fold: int (n,); each fold is answered by a tree that was grown on the others.
    """
    from sklearn.tree import DecisionTreeClassifier

    n_classes = int(labels.max()) + 1
    tree = DecisionTreeClassifier(
        max_leaf_nodes=max(16, 2 * n_classes), min_samples_leaf=3, class_weight="balanced", random_state=0
    )
    scores = np.zeros((len(labels), n_classes))
    for held_out in _folds(fold):
        tree.fit(columns[~held_out], labels[~held_out])
        scores[np.ix_(held_out, tree.classes_)] = tree.predict_proba(columns[held_out])
    # The tree weighs every class alike: more than 1 / n_classes speaks for the class.
    return Guesses(labels, scores, 1 / n_classes)


def guess_by_ridge(vectors: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> Guesses:
    """Guess from many columns, such as pixels, float (n, n_columns), with a linear model that weighs every class alike.

    Ridge regression on -1 and +1 for each class (Hastie, Tibshirani & Friedman 2009, section 4.2), on standardised
    columns: solved at once, where a logistic regression takes many steps.
    """
    n_classes = int(labels.max()) + 1
    scores = np.zeros((len(labels), n_classes))
    for held_out in _folds(fold):
        known, own = vectors[~held_out].astype(np.float64), labels[~held_out]
        weights = (1 / np.maximum(np.bincount(own, minlength=n_classes), 1))[own]
        weights = weights / weights.sum()
        centre = weights @ known
        spread = np.sqrt(weights @ np.square(known - centre))
        scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 1e-6 * np.maximum(np.abs(centre), 1))
        targets = 2.0 * np.eye(n_classes)[own] - 1
        middle = weights @ targets
        rows = (known - centre) * scale * np.sqrt(weights)[:, None]
        values = (targets - middle) * np.sqrt(weights)[:, None]
        if rows.shape[1] <= len(rows):
            coefficients = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), rows.T @ values)
        else:
            coefficients = rows.T @ np.linalg.solve(rows @ rows.T + RIDGE * np.eye(len(rows)), values)
        scores[held_out] = (vectors[held_out] - centre) * scale @ coefficients + middle
    return Guesses(labels, scores, 2 / n_classes - 1)


def _folds(fold: np.ndarray) -> list[np.ndarray]:
    """Which items each fold holds, bool (n,)."""
    return [fold == number for number in np.unique(fold)]
