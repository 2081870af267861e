"""Choosing a strength by the worst subgroup of held-out items, fold by fold where there are folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autotl.errors import OutOfTimeError
from autotl.interfaces import DebiasTask, Predict
from autotl_plugins.debias_methods._balancing import lowest_and_mean_recall, strata_of


def best_on_held_out(
    task: DebiasTask, strengths: Sequence[float], fit: Callable[[np.ndarray, float], Predict]
) -> float:  # fmt: skip
    """The strength with the highest recall of the worst subgroup; the mean recall decides between equal ones.

    A rare subgroup has one or two items in a fold, so that every fold is held out in turn and all answers are judged
    together. fit(items, strength): what predicts. Raises OutOfTimeError where the time ends before one is judged.
    """
    parts, scores = _parts(task), []
    held_out = np.concatenate([part for _, part in parts])
    for strength in strengths:
        answers = []
        for items, part in parts:
            if task.seconds_left() <= 0:
                break
            answers.append(fit(items, strength)(part).argmax(axis=1))
        if len(answers) < len(parts):
            break
        right = np.concatenate(answers) == task.labels[held_out]
        scores.append(lowest_and_mean_recall(strata_of(task)[held_out], right))
        task.progress("choosing the strength", len(scores), len(strengths) + 1)
    if not scores:
        raise OutOfTimeError("the time ran out before a strength was judged on held-out items")
    return strengths[max(range(len(scores)), key=scores.__getitem__)]


def _parts(task: DebiasTask) -> list[tuple[np.ndarray, np.ndarray]]:
    """Items to fit on and items held out, of each fold."""
    if task.folds is None:
        return [(task.train, task.validation)]
    items = np.sort(np.concatenate([task.train, task.validation]))
    fold = task.folds[items]
    return [(items[fold != k], items[fold == k]) for k in np.unique(fold)]
