"""Figures of merit for numbers. Undefined scores are NaN."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autotl.hookspecs import hookimpl
from autotl.interfaces import Evaluator


def r2(numbers: np.ndarray, values: np.ndarray) -> float:
    """The share of the variance that is predicted, R²; negative where the mean predicts better. NaN if all are equal.

    numbers: float (n,); values: what was predicted, float (n,) or (n, 1).
    """
    if len(numbers) < 2:
        return float("nan")
    deviations = numbers - numbers.mean()
    total, errors = float(deviations @ deviations), _errors(numbers, values)
    return 1 - float(errors @ errors) / total if total > 0 else float("nan")


def mae(numbers: np.ndarray, values: np.ndarray) -> float:
    """The mean absolute error, in the unit of the numbers."""
    return float(np.abs(_errors(numbers, values)).mean()) if len(numbers) else float("nan")


def rmse(numbers: np.ndarray, values: np.ndarray) -> float:
    """The root of the mean squared error, in the unit of the numbers."""
    errors = _errors(numbers, values)
    return float(np.sqrt(errors @ errors / len(errors))) if len(errors) else float("nan")


def _errors(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.asarray(values.reshape(len(numbers)) - numbers, dtype=np.float64)


@hookimpl
def register_evaluators() -> Iterable[Evaluator]:
    yield Evaluator("r2", r2, targets=("number",))
    yield Evaluator("mae", mae, larger_is_better=False, targets=("number",))
    yield Evaluator("rmse", rmse, larger_is_better=False, targets=("number",))
