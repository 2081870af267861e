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
from autotl.testing.support import doing, named, require, require_targets

MAX_EVALUATOR_SECONDS = 0.05
"""For 500 items; an interval takes a thousand evaluations."""


def check_evaluator(evaluator: Evaluator) -> None:
    """Check the value's kind, its direction, absent classes and speed, for 2 and for 5 classes or labels, or numbers.

    It is checked for each kind of target that it scores.
    """
    subject = named(evaluator, "evaluator")
    bounds = evaluator.bounds
    numbers = bounds is not None and len(bounds) == 2 and all(isinstance(end, Real) for end in bounds)
    sound = bounds is None or (numbers and bounds[0] < bounds[1])
    require(sound, f"{subject}: bounds are {bounds!r}; expected the least and the greatest value, or None")
    require_targets(subject, evaluator.targets)
    for target in evaluator.targets:
        _check_for(target, subject, evaluator)


def _check_for(target: str, subject: str, evaluator: Evaluator) -> None:
    for n_classes in (1,) if target == "number" else (2, 5):
        labels, perfect, noise = _made_answers(target, n_classes)
        good, poor = (_score(subject, evaluator, labels, p, n_classes) for p in (perfect, noise))
        better, word = (good > poor, "larger") if evaluator.larger_is_better else (good < poor, "smaller")
        what = f"probabilities of {n_classes} {target}" if target != "number" else "numbers"
        require(
            better,
            f"{subject}: {good:.4g} for perfect and {poor:.4g} for random {what}, "
            f"but larger_is_better={evaluator.larger_is_better} promises {word} for perfect",
        )
    if target == "labels":
        _check_unknown_labels(subject, evaluator, labels, noise)
    elif target != "number":
        absent = labels != 3
        _score(f"{subject}, class 3 absent from the labels", evaluator, labels[absent], noise[absent], n_classes)
    _check_speed(subject, evaluator, labels, noise)


def _made_answers(target: str, n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of 500 items, perfect answers and random ones."""
    rng = np.random.default_rng(0)
    if target == "number":
        numbers = rng.normal(50, 10, 500)
        return numbers, numbers.copy(), rng.permutation(numbers)
    if target == "labels":
        applies = rng.random((500, n_classes)) < 0.3
        return applies, applies.astype(float), rng.random((500, n_classes))
    labels = rng.integers(0, n_classes, 500)
    return labels, np.eye(n_classes)[labels], rng.dirichlet(np.ones(n_classes), 500)


def _check_unknown_labels(subject: str, evaluator: Evaluator, labels: np.ndarray, noise: np.ndarray) -> None:
    """A label that no item has is allowed, and where a label is unknown its probability does not matter."""
    n_labels = labels.shape[1]
    absent = labels.copy()
    absent[:, 3] = False
    _score(f"{subject}, label 3 absent", evaluator, absent, noise, n_labels)
    unknown = np.arange(labels.size).reshape(labels.shape) % 7 == 0
    partly = np.where(unknown, np.int8(-1), labels.astype(np.int8))
    found = [
        _score(f"{subject}, labels unknown", evaluator, partly, np.where(unknown, p, noise), n_labels) for p in (0, 1)
    ]
    require(
        found[0] == found[1],
        f"{subject}: {found[0]:.4g} or {found[1]:.4g}, depending on the probabilities of labels that are unknown (-1)",
    )


def _check_speed(subject: str, evaluator: Evaluator, labels: np.ndarray, noise: np.ndarray) -> None:
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
