"""What methods share: weights and subsets that balance subgroups, and the recall of the subgroup that does worst."""

from __future__ import annotations

import numpy as np

from autotl.interfaces import DebiasTask


def balancing_weights(of: np.ndarray) -> np.ndarray:
    """Weights float (n,) with a mean of 1 and the same total for each number of `of`, int (n,)."""
    _, codes, counts = np.unique(of, return_inverse=True, return_counts=True)
    return np.asarray(len(of) / (len(counts) * counts[codes]))


def balanced_subset(of: np.ndarray, rng: np.random.Generator, *, fewest: int, most: int) -> np.ndarray:
    """Positions of as many items of each number of `of` as the rarest has, but at least `fewest`.

    Items of a number that has fewer are repeated. most: about how many positions there are in all at most.
    """
    numbers, counts = np.unique(of, return_counts=True)
    n = min(max(int(counts.min()), fewest), max(1, most // len(numbers)))
    return np.sort(np.concatenate([np.resize(rng.permutation(np.flatnonzero(of == number)), n) for number in numbers]))


def strata_of(task: DebiasTask) -> np.ndarray:
    """What a method is judged by on the validation items: subgroups where any are known, otherwise classes."""
    return task.groups if (task.groups[task.validation] >= 0).any() else task.labels


def worst_recall(task: DebiasTask, probabilities: np.ndarray) -> tuple[float, float]:
    """The lowest recall of a subgroup, and the mean over all of them, to decide where the lowest are equal.

    probabilities: of the validation items, float (n, n_classes).
    """
    right = probabilities.argmax(axis=1) == task.labels[task.validation]
    return lowest_and_mean_recall(strata_of(task)[task.validation], right)


def lowest_and_mean_recall(of: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Of the subgroups of some items. of: int (n,), the subgroups, -1 for items that do not count; right: bool (n,)."""
    recalls = [float(right[of == number].mean()) for number in np.unique(of[of >= 0])]
    return min(recalls), float(np.mean(recalls))
