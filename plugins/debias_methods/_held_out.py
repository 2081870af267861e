"""Choosing a strength by the worst subgroup of held-out items, fold by fold where there are folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autotl.interfaces import DebiasTask, Predict
from autotl_plugins.debias_methods._balancing import strata_of


def best_on_held_out(
    task: DebiasTask, strengths: Sequence[float], fit: Callable[[np.ndarray, float], Predict]
) -> float:  # fmt: skip
    """The strength with the highest recall of the worst subgroup; the mean recall decides between equal ones.

    A rare subgroup has one or two items in a fold, so that every fold is held out in turn and all answers are judged
    together. fit(items, strength): what predicts.
    """
    parts = _parts(task)
    held_out = np.concatenate([part for _, part in parts])
    scores = []
    for number, strength in enumerate(strengths):
        answers = np.concatenate([fit(items, strength)(part).argmax(axis=1) for items, part in parts])
        scores.append(_score(strata_of(task)[held_out], answers == task.labels[held_out]))
        task.progress("choosing the strength", number + 1, len(strengths) + 1)
        if task.seconds_left() <= 0:
            break
    return strengths[max(range(len(scores)), key=scores.__getitem__)]


def _parts(task: DebiasTask) -> list[tuple[np.ndarray, np.ndarray]]:
    """Items to fit on and items held out, of each fold."""
    if task.folds is None:
        return [(task.train, task.validation)]
    items = np.sort(np.concatenate([task.train, task.validation]))
    fold = task.folds[items]
    return [(items[fold != k], items[fold == k]) for k in np.unique(fold)]


def _score(of: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    recalls = [float(right[of == number].mean()) for number in np.unique(of[of >= 0])]
    return min(recalls), float(np.mean(recalls))
