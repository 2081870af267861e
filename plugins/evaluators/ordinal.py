"""Figures of merit for classes that have an order: a class far from the true one is a larger mistake.

What is predicted is the most probable class, and classes next to each other are one step apart.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Evaluator


def quadratic_kappa(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Cohen's kappa with squared distances as weights (Cohen 1968): 1 for agreement, 0 for that of chance.

    NaN if all labels and predictions are one class.
    """
    if not len(labels):
        return float("nan")
    predicted = probabilities.argmax(axis=1)
    observed = float(((labels - predicted) ** 2).mean())
    # The mean squared distance of every label from every prediction.
    expected = float(labels.var() + predicted.var() + (labels.mean() - predicted.mean()) ** 2)
    return 1 - observed / expected if expected > 0 else float("nan")


def ordinal_mae(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean distance of the predicted from the true class, in steps."""
    return float(np.abs(labels - probabilities.argmax(axis=1)).mean()) if len(labels) else float("nan")


@hookimpl
def register_evaluators() -> Iterable[Evaluator]:
    yield Evaluator("quadratic_kappa", quadratic_kappa, bounds=(-1, 1), targets=("ordered",))
    yield Evaluator("ordinal_mae", ordinal_mae, larger_is_better=False, targets=("ordered",))
