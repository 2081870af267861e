"""Conformance checks for evaluators."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from autotl.interfaces import (
    Evaluator,
    Proportion,
)
from autotl.testing.support import doing, named, require

MAX_EVALUATOR_SECONDS = 0.05
"""For 500 items; an interval takes a thousand evaluations."""


def check_evaluator(evaluator: Evaluator) -> None:
    """Check the value's kind, its direction, absent classes and speed, for 2 and for 5 classes."""
    subject = named(evaluator, "evaluator")
    bounds = evaluator.bounds
    numbers = bounds is not None and len(bounds) == 2 and all(isinstance(end, Real) for end in bounds)
    sound = bounds is None or (numbers and bounds[0] < bounds[1])
    require(sound, f"{subject}: bounds are {bounds!r}; expected the least and the greatest value, or None")
    for n_classes in (2, 5):
        rng = np.random.default_rng(0)
        labels = rng.integers(0, n_classes, 500)
        perfect = np.eye(n_classes)[labels]
        noise = rng.dirichlet(np.ones(n_classes), 500)
        good, poor = (_score(subject, evaluator, labels, p, n_classes) for p in (perfect, noise))
        better, word = (good > poor, "larger") if evaluator.larger_is_better else (good < poor, "smaller")
        require(
            better,
            f"{subject}: {good:.4g} for perfect and {poor:.4g} for random probabilities of {n_classes} classes, "
            f"but larger_is_better={evaluator.larger_is_better} promises {word} for perfect",
        )
    absent = labels != 3
    _score(f"{subject}, class 3 absent from the labels", evaluator, labels[absent], noise[absent], n_classes)
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        evaluator.score(labels, noise)
        seconds.append(time.perf_counter() - started)
    require(
        float(np.median(seconds)) < MAX_EVALUATOR_SECONDS,
        f"{subject}: {np.median(seconds) * 1000:.0f} ms for 500 items; an interval takes a thousand evaluations, "
        f"so stay below {MAX_EVALUATOR_SECONDS * 1000:.0f} ms",
    )


def _score(subject: str, evaluator: Evaluator, labels: np.ndarray, probabilities: np.ndarray, n_classes: int) -> float:
    """Score copies that cannot be written to; returns one number whatever kind of value it was."""
    labels, probabilities = labels.copy(), probabilities.copy()
    labels.flags.writeable = probabilities.flags.writeable = False
    with doing(f"{subject}: score for {n_classes} classes"):
        value: Any = evaluator.score(labels, probabilities)
    if not isinstance(value, bool) and isinstance(value, Real):
        number = float(value)
        require(math.isfinite(number), f"{subject}: the value is {number} for {n_classes} classes; expected a number")
        least, most = evaluator.bounds or (-math.inf, math.inf)
        require(least <= number <= most, f"{subject}: the value is {number}, but its bounds are {evaluator.bounds}")
        return number
    require(
        isinstance(value, Proportion) or (isinstance(value, Sequence) and len(value) == n_classes),
        f"{subject}: {value!r}; expected a float, a Proportion, or one Proportion per class ({n_classes})",
    )
    proportions: Any = [value] if isinstance(value, Proportion) else value
    for proportion in proportions:
        require(
            isinstance(proportion, Proportion) and 0 <= proportion.successes <= proportion.trials,
            f"{subject}: {proportion!r}; expected a Proportion with 0 <= successes <= trials",
        )
    rates = [p.successes / p.trials for p in proportions if p.trials]
    require(rates, f"{subject}: no Proportion has any trial")
    return float(np.mean(rates))
