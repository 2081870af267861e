"""DB-VAE: a variational autoencoder that classifies, trained more often on items whose latents are rare."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from autotl.errors import OutOfTimeError
from autotl.hookspecs import hookimpl
from autotl.interfaces import DebiasMethod, DebiasTask, Predict
from autotl.runtime import keras_backend
from autotl_plugins.debias_methods import _variational_classifier as networks
from autotl_plugins.debias_methods._choice_of_strength import best_on_validation
from autotl_plugins.debias_methods._last_layer import location_and_scale
from autotl_plugins.debias_methods._latent_density import sampling_probabilities
from autotl_plugins.debias_methods._variational_classifier import VariationalClassifier

EDGE = 64
"""Of the images, in pixels, as in the paper."""
ALPHA, ALPHAS_OF_FEATURES = 0.01, (0.1, 0.01, 0.001)
"""On images it is not chosen, for each costs another training."""
BATCH_ITEMS, LEARNING_RATE = 32, 1e-3
MIN_STEPS, MIN_EPOCHS = 600, 12
"""A small set is shown more often, so that the optimiser takes so many steps."""
_BATCH_OF_ANSWERS = 256


def fit_images(task: DebiasTask) -> Predict:
    """Learn from the images at 64 px: the whole network from scratch, not from the champion's features."""
    assert task.images is not None
    pixels = task.images(EDGE)

    def read(items: np.ndarray) -> np.ndarray:
        return np.asarray(pixels[items], dtype=np.float32) / 255

    with keras_backend.session(task.seed):
        network = networks.of_images(EDGE, task.n_classes)
        return _train(task, network, read, np.concatenate([task.train, task.validation]), ALPHA)


def fit_features(task: DebiasTask) -> Predict:
    """Learn from the champion's frozen features; alpha is chosen on the validation items. A variant of ours."""
    both = np.concatenate([task.train, task.validation])
    mean, scale = location_and_scale(task.features[both])
    vectors = ((task.features - mean) / scale).astype(np.float32)
    with keras_backend.session(task.seed):
        network = networks.of_features(vectors.shape[1], task.n_classes)
        train = partial(_train, task, network, vectors.__getitem__)
        best, _ = best_on_validation(task, {alpha: partial(train, task.train, alpha) for alpha in ALPHAS_OF_FEATURES})
        return train(both, best)


def _train(
    task: DebiasTask, network: VariationalClassifier, read: Callable[[np.ndarray], np.ndarray], items: np.ndarray,
    alpha: float,
) -> Predict:  # fmt: skip
    """Train on items that are drawn in every epoch by how rare the encoder's latents of them are by then.

    Raises OutOfTimeError where the time is gone before the first epoch ends.
    """
    network.restart()
    rng = np.random.default_rng(task.seed)
    n_batches = max(1, len(items) // BATCH_ITEMS)
    n_epochs = max(MIN_EPOCHS, math.ceil(MIN_STEPS / n_batches))
    for epoch in range(n_epochs):
        network.whole.optimizer.learning_rate = LEARNING_RATE * (1 - epoch / n_epochs)
        shares = sampling_probabilities(_answers(network.encoder, read, items), task.labels[items], alpha)
        for batch in rng.choice(items, (n_batches, BATCH_ITEMS), p=shares):
            if task.seconds_left() <= 0:
                break
            inputs = read(batch)
            network.whole.train_on_batch(inputs, {"probabilities": task.labels[batch], "reconstruction": inputs})
        if task.seconds_left() <= 0:
            if epoch == 0:
                raise OutOfTimeError("the time ran out in the first epoch of the autoencoder")
            break
        task.progress("training the autoencoder", epoch + 1, n_epochs)
    every = _answers(network.classifier, read, np.arange(len(task.labels)))
    return lambda wanted: every[wanted]


def _answers(model: Any, read: Callable[[np.ndarray], np.ndarray], items: np.ndarray) -> np.ndarray:
    """What a model says of items, in batches padded to one shape."""
    parts = []
    for start in range(0, len(items), _BATCH_OF_ANSWERS):
        part = items[start : start + _BATCH_OF_ANSWERS]
        padded = np.pad(part, (0, _BATCH_OF_ANSWERS - len(part)), mode="edge")
        parts.append(model.predict_on_batch(read(padded))[: len(part)])
    return np.asarray(np.concatenate(parts), dtype=np.float64)


@hookimpl
def register_debias_methods() -> Iterable[DebiasMethod]:
    """Offer DB-VAE on images, and our variant on frozen features."""
    source = "Amini et al. 2019, Uncovering and mitigating algorithmic bias through learned latent structure"
    yield DebiasMethod("db-vae", fit_images, needs=frozenset({"images"}), source=source, exports="none")
    yield DebiasMethod(
        "db-vae-features", fit_features, source=f"a variant on frozen features of {source}", exports="none"
    )
