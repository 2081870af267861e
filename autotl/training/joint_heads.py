"""Heads of several targets on the same features: one network whose answers stand side by side, and its loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def side_by_side(heads: Sequence[keras.Model]) -> keras.Model:
    """One Keras model of several heads, from the same features to the probabilities of all, one after the other.

    heads: Keras models from features to class probabilities; the model holds these very layers.
    """
    import keras

    features = keras.Input(heads[0].input.shape[1:], dtype=heads[0].input.dtype)
    return keras.Model(features, keras.layers.Concatenate(dtype="float32")([head(features) for head in heads]))


def sum_of_losses(n_classes: Sequence[int]) -> Callable[[Any, Any], Any]:
    """The loss of `side_by_side`: of each item, the sum of the cross-entropies of the targets whose label is known.

    n_classes: of each target. The function takes class indices (n, n_targets), negative for a missing label, and
    probabilities (n, sum of n_classes), and returns (n,).
    """
    import keras
    from keras import ops

    ends = np.cumsum(n_classes).tolist()

    def loss(labels: Any, probabilities: Any) -> Any:
        total = 0.0
        for place, (end, n) in enumerate(zip(ends, n_classes, strict=True)):
            label, own = labels[:, place], probabilities[:, end - n : end]
            known = ops.cast(label >= 0, own.dtype)
            total += known * keras.losses.sparse_categorical_crossentropy(ops.cast(ops.maximum(label, 0), "int32"), own)
        return total

    return loss


def divide(probabilities: np.ndarray, n_classes: Sequence[int]) -> list[np.ndarray]:
    """The probabilities of each target, float64 (n, its classes), from those of all side by side; rows sum to 1."""
    parts = np.split(probabilities.astype(np.float64), np.cumsum(n_classes)[:-1], axis=1)
    return [part / part.sum(axis=1, keepdims=True) for part in parts]
