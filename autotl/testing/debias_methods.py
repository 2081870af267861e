"""Conformance checks for methods against bias."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from autotl.interfaces import DebiasMethod, DebiasTask, Draw, Predict, Weigh
from autotl.testing.support import doing, named, require

NEEDS, EXPORTS = frozenset({"groups", "images", "fine_tune"}), ("any", "probe", "none")
N_ITEMS, N_TRAIN, N_VALIDATION = 240, 120, 60
_WIDTH = 6


def check_debias_method(method: DebiasMethod) -> None:
    """Check that a method learns from training and validation items alone, repeatably, and returns probabilities.

    Parameters
    ----------
    method
        The method to check, on 240 made-up items of two classes in four subgroups.

    Raises
    ------
    AssertionError
        Where the method breaks its contract.
    """
    subject = named(method, "method against bias")
    unknown = set(method.needs) - NEEDS
    require(not unknown, f"{subject}: needs {sorted(unknown)}; expected some of {sorted(NEEDS)}")
    require(method.exports in EXPORTS, f"{subject}: exports is {method.exports!r}; expected one of {EXPORTS}")
    require(isinstance(method.source, str), f"{subject}: source is {method.source!r}; expected text")
    task = _task(needs=method.needs)
    before = [task.features.copy(), task.labels.copy(), task.groups.copy()]
    found = _answers(subject, method, task)
    require(
        all(np.array_equal(a, b) for a, b in zip(before, (task.features, task.labels, task.groups), strict=True)),
        f"{subject}: fit(task) changed the arrays of its task; copy what is to be changed",
    )
    again = _answers(subject, method, _task(needs=method.needs))
    require(np.allclose(found, again, atol=1e-4), f"{subject}: two fits with one seed predict different probabilities")
    peeking = _answers(subject, method, _task(needs=method.needs, turned=True))
    require(
        np.allclose(found, peeking, atol=1e-4),
        f"{subject}: its answers depend on the labels or subgroups of items that are in neither task.train nor "
        "task.validation",
    )


def _answers(subject: str, method: DebiasMethod, task: DebiasTask) -> np.ndarray:
    """The probabilities of every item."""
    with doing(f"{subject}: fit(task)"):
        predict = method.fit(task)
    require(callable(predict), f"{subject}: fit(task) returned {predict!r:.100}; expected a function of item numbers")
    with doing(f"{subject}: what fit(task) returned"):
        found = np.asarray(predict(np.arange(N_ITEMS)))
        part = np.asarray(predict(np.array([5, 3])))
    shape = (N_ITEMS, task.n_classes)
    require(found.shape == shape, f"{subject}: {N_ITEMS} items have answers of shape {found.shape}; expected {shape}")
    sound = np.isfinite(found).all() and (found >= -1e-6).all() and np.allclose(found.sum(axis=1), 1, atol=1e-3)
    require(bool(sound), f"{subject}: its answers are no probabilities; expected rows from 0 to 1 that sum to 1")
    require(
        np.allclose(part, found[[5, 3]], atol=1e-4), f"{subject}: an item's answer depends on the items asked with it"
    )
    return found


def _task(*, needs: frozenset[str], turned: bool = False) -> DebiasTask:
    """Two classes, each within two values of an attribute; one subgroup is rare.

    turned: the items that a method may not learn from have the other label, and no subgroup.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(N_ITEMS) % 2
    value = np.where(rng.random(N_ITEMS) < np.where(labels == 1, 0.85, 0.4), 1, 0)
    features = rng.normal(0, 1, (N_ITEMS, _WIDTH))
    features[:, 0] += 1.5 * labels
    features[:, 1] += 2.0 * value
    vectors, groups, brightness = features.astype(np.float32), labels * 2 + value, 60 * labels
    if turned:
        tested = np.arange(N_TRAIN + N_VALIDATION, N_ITEMS)
        labels, groups = labels.copy(), groups.copy()
        labels[tested], groups[tested] = 1 - labels[tested], -1

    def images(edge: int) -> np.ndarray:
        noise = np.random.default_rng(1).normal(0, 20, (N_ITEMS, edge, edge, 3))
        return np.clip(90 + brightness[:, None, None, None] + noise, 0, 255).astype(np.uint8)

    fine_tune = _FineTune(vectors, labels) if "fine_tune" in needs else None
    return DebiasTask(
        features=vectors, labels=labels, groups=groups, train=np.arange(N_TRAIN),
        validation=np.arange(N_TRAIN, N_TRAIN + N_VALIDATION), n_classes=2, seed=3, fit_head=_head(vectors, labels),
        images=images, fine_tune=fine_tune,
    )  # fmt: skip


def _head(vectors: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray, np.ndarray | None], Predict]:
    def fit_head(items: np.ndarray, weights: np.ndarray | None) -> Predict:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression().fit(vectors[items], labels[items], weights)
        return lambda wanted: np.asarray(model.predict_proba(vectors[wanted]))

    return fit_head


class _FineTune:
    """In place of a network: a logistic regression by gradient descent, which draws and weighs its items."""

    def __init__(self, vectors: np.ndarray, labels: np.ndarray) -> None:
        self._vectors, self._labels = vectors, labels

    def __call__(
        self, items: np.ndarray, *, draw: Draw | None = None, weigh: Weigh | None = None, share: float = 1.0
    ) -> Predict:
        """Train a few epochs."""
        vectors, labels, rng = self._vectors, self._labels, np.random.default_rng(0)
        weights = np.zeros((vectors.shape[1], 2))
        for _ in range(max(1, math.ceil(20 * share))):
            own = draw(rng) if draw else items
            found = _softmax(vectors[own] @ weights)
            losses = -np.log(found[np.arange(len(own)), labels[own]] + 1e-9)
            factors = np.ones(len(own)) if weigh is None else np.asarray(weigh(own, partial(np.asarray, losses)))
            slope = vectors[own].T @ (factors[:, None] * (found - np.eye(2)[labels[own]])) / len(own)
            weights -= 0.5 * slope
        return lambda wanted: _softmax(vectors[wanted] @ weights)


def _softmax(margins: np.ndarray) -> np.ndarray:
    exponentials = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
