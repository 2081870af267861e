"""The median absolute error of numbers: half of the predictions are nearer to the truth."""

import numpy as np

import autotl
from autotl.interfaces import Evaluator


def median_error(numbers, values):
    return float(np.median(np.abs(values - numbers))) if len(numbers) else float("nan")


@autotl.hookimpl
def register_evaluators():
    yield Evaluator("median_error", median_error, larger_is_better=False, targets=("number",))
