"""A task with a planted bias: a feature that tells the class in training hardly does so for the rare subgroups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autotl.interfaces import DebiasTask

N_TRAIN, N_VALIDATION, N_TEST = 600, 200, 400


def biased_task(*, seed: int = 0, known: bool = True, with_images: bool = False) -> DebiasTask:
    """Two classes; the second of eight features agrees with the class in 95 % of the items learned from, and says more.

    The last N_TEST items are those of the test split, in half of which it agrees. known: whether the subgroups are.
    with_images: grey images beside, whose left half is as bright as the first feature.
    """
    rng = np.random.default_rng(7)
    n = N_TRAIN + N_VALIDATION + N_TEST
    labels = rng.integers(0, 2, n)
    agree = rng.random(n) < np.where(np.arange(n) < N_TRAIN + N_VALIDATION, 0.95, 0.5)
    spurious = np.where(agree, labels, 1 - labels)
    features = rng.normal(0, 1, (n, 8))
    features[:, 0] = 2 * labels - 1 + rng.normal(0, 0.7, n)
    features[:, 1] = 3 * (2 * spurious - 1) + rng.normal(0, 0.5, n)
    features = features.astype(np.float32)
    groups = 2 * labels + spurious if known else np.full(n, -1)

    def fit_head(items: np.ndarray, weights: np.ndarray | None) -> Callable[[np.ndarray], np.ndarray]:
        from sklearn.linear_model import LogisticRegression

        head = LogisticRegression(C=1.0).fit(features[items], labels[items], sample_weight=weights)
        return lambda wanted: np.asarray(head.predict_proba(features[wanted]))

    def images(edge: int) -> np.ndarray:
        pixels = np.full((n, edge, edge, 3), 100.0)
        pixels[:, :, : edge // 2] += 40 * features[:, 0, None, None, None]
        return pixels.clip(0, 255).astype(np.uint8)

    return DebiasTask(
        features, labels, groups, np.arange(N_TRAIN), np.arange(N_TRAIN, N_TRAIN + N_VALIDATION), 2, seed, fit_head,
        images=images if with_images else None,
    )  # fmt: skip


def worst_recall(task: DebiasTask, predict: Callable[[np.ndarray], Any]) -> float:
    """The lowest recall of a class where the spurious feature agrees, or does not, on the test split."""
    items = np.arange(len(task.labels) - N_TEST, len(task.labels))
    right = predict(items).argmax(axis=1) == task.labels[items]
    groups = 2 * task.labels[items] + (task.features[items, 1] > 0)
    return float(min(right[groups == group].mean() for group in range(4)))
