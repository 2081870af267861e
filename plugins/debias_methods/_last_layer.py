"""A logistic last layer trained step by step on drawn batches, whose items may be weighted by their losses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BATCH_ITEMS, N_STEPS = 128, 1000
LEARNING_RATE = 0.01
_MOMENTS = (0.9, 0.999)


def location_and_scale(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean of each column, and one standard deviation for all of them.

    Principal components of small variance are mostly noise, which a scale for each column would blow up.
    """
    return vectors.mean(axis=0, dtype=np.float64), max(float(vectors.std(dtype=np.float64)), 1e-6)


def train_last_layer(
    vectors: np.ndarray, labels: np.ndarray, n_classes: int, *,
    draw: Callable[[int, np.random.Generator], np.ndarray], weigh: Callable[[np.ndarray, np.ndarray], np.ndarray],
    penalty: float, seed: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Train with Adam at a rate that falls to zero; returns weights (n_features, n_classes) and offset (n_classes,).

    They are the mean of the second half of the steps. vectors: float (n_items, n_features). draw(n, rng): the items of
    a batch; weigh(items, losses): their weights. penalty: of half the squared weights, beside the mean cross-entropy.
    """
    rng = np.random.default_rng(seed)
    width = vectors.shape[1]
    layer = np.zeros((width + 1, n_classes))
    first, second, mean = np.zeros_like(layer), np.zeros_like(layer), np.zeros_like(layer)
    for step in range(1, N_STEPS + 1):
        items = draw(BATCH_ITEMS, rng)
        x = vectors[items]
        found = _softmax(x @ layer[:width] + layer[width])
        chosen = np.arange(len(items)), labels[items]
        weights = weigh(items, -np.log(np.maximum(found[chosen], 1e-12)))
        found[chosen] -= 1
        found *= (weights / len(items))[:, None]
        gradient = np.vstack([x.T @ found + penalty * layer[:width], found.sum(axis=0)])
        first = _MOMENTS[0] * first + (1 - _MOMENTS[0]) * gradient
        second = _MOMENTS[1] * second + (1 - _MOMENTS[1]) * gradient**2
        direction = first / (1 - _MOMENTS[0] ** step) / (np.sqrt(second / (1 - _MOMENTS[1] ** step)) + 1e-8)
        layer = layer - LEARNING_RATE * (1 - (step - 1) / N_STEPS) * direction
        if step > N_STEPS // 2:
            mean += layer / (N_STEPS - N_STEPS // 2)
    return mean[:width], mean[width]


def _softmax(logits: np.ndarray) -> np.ndarray:
    found = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))
