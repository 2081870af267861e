"""Choosing a strength by the worst subgroup of the validation items alone, where each fit takes long."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autotl.errors import OutOfTimeError
from autotl.interfaces import DebiasTask, Predict
from autotl_plugins.debias_methods._balancing import worst_recall


def best_on_validation(task: DebiasTask, fits: Mapping[float, Callable[[], Predict]]) -> tuple[float, Predict]:
    """Fit with each strength in turn, as far as the time allows; the best for the worst subgroup, and its fit.

    Raises OutOfTimeError where the time does not suffice for the first.
    """
    found: dict[float, tuple[tuple[float, float], Predict]] = {}
    for number, (strength, fit) in enumerate(fits.items(), 1):
        if found and task.seconds_left() <= 0:
            break
        try:
            predict = fit()
        except OutOfTimeError:
            if not found:
                raise
            break
        found[strength] = worst_recall(task, predict(task.validation)), predict
        task.progress("choosing the strength", number, len(fits))
    best = max(found, key=lambda strength: found[strength][0])
    return best, found[best][1]
