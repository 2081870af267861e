"""What fine-tuning will cost, from the shapes of the layers and from what was measured in this run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autotl.features.frozen_network import select_stages, stage_outputs
from autotl.training.activation_cache import MAX_VIEWS
from autotl.training.fine_tuning import epochs_for
from autotl.trial import MAX_DEPTH, TrainingDetails

BACKWARD = 3
"""A training step computes each product three times: forwards, for the weights, and for the layer below."""
KERAS_SLOWDOWN = 2.5
"""A Keras pass over the frozen stages takes up to this many times what their graph takes on a CPU."""
TRAINING_SLOWDOWN = 1.25
"""A product in a training step of the deeper stages, against one in the graph of the whole network.

EfficientNet-Lite0 on 2 cores: 60 to 115 thousand million products a second in every cut, 80 in the graph.
"""
STEP_SHARES = (1 / 3, 2 / 3)
"""Shares of a network's products in the stages that train, after the last stage alone.

On 800 images of cloth (EfficientNet-Lite0, 224 pixels) they bring the accuracy from 0.80 to 0.85 and 0.98.
"""
OPTIMISER_ITEMS = 3
"""What a step costs beside the products (gradients applied, activations, the call), in items trained more."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of a fine-tune trial.

    fill_seconds: once, of caching the activations; view_seconds: of each altered view more; epoch_seconds: of each of
    the n_epochs that are trained where the time allows it.
    """

    fill_seconds: float
    view_seconds: float
    epoch_seconds: float
    n_epochs: int

    def seconds(self, n_epochs: int, *, filled: bool, augment: bool) -> float:
        """Seconds of caching and of so many epochs; filled: the activations are cached already."""
        views = min(MAX_VIEWS - 1, n_epochs) if augment else 0
        fill = 0.0 if filled else self.fill_seconds
        return fill + views * self.view_seconds + n_epochs * self.epoch_seconds


def stage_work(backbone: Any) -> dict[str, float]:
    """Multiplications per image of each stage, counted from the one above it, shallow to deep.

    backbone: a Keras model whose outputs are its stages. Only layers with a kernel count: the others cost little.
    """
    import keras

    work, known = {}, 0.0
    for name, output in stage_outputs(backbone).items():
        total = sum(_products(layer) for layer in keras.Model(backbone.input, output).layers)
        work[name] = total - known
        known = total
    return work


def estimate_seconds(
    work: Mapping[str, float],
    *,
    stage: str,
    trainable_stages: int,
    n_train: int,
    n_validation: int,
    images_per_second: float,
    measured: Sequence[TrainingDetails] = (),
    cached: bool = True,
) -> Estimate:
    """Estimate filling the cache and one epoch (training and validation) at a depth.

    work: from `stage_work`. images_per_second: of the whole frozen network in the graph engine, as measured.
    measured: training details of earlier fine-tune trials of this run on this backbone and size; those with
        "products_per_second" correct the guess of how fast training is. cached=False: of the plain way.
    """
    stages = tuple(work)
    read = stages.index(select_stages(stages, stage)[-1]) + 1
    depth = max(0, read - trainable_stages)
    below = sum(work[name] for name in stages[:depth])
    above = sum(work[name] for name in stages[depth:read])
    frozen_speed = images_per_second * max(1.0, sum(work.values()))
    speeds = [float(d["products_per_second"]) for d in measured if d.get("products_per_second")]
    speed = statistics.median(speeds) if speeds else frozen_speed / TRAINING_SLOWDOWN
    products, n_epochs = training_products(above, n_train, n_validation), epochs_for(n_train)
    if not cached or depth == 0:
        frozen = below * (n_train + n_validation) / (frozen_speed / KERAS_SLOWDOWN)
        return Estimate(0.0, 0.0, products / speed + frozen, n_epochs)
    view = n_train * below / frozen_speed
    return Estimate(view * (n_train + n_validation) / max(1, n_train), view, products / speed, n_epochs)


def step_depths(work: Mapping[str, float], stage: str) -> tuple[int, ...]:
    """How many stages to train, counted from the deepest that is read: one, then STEP_SHARES of the network's products.

    work: from `stage_work`.
    """
    stages = tuple(work)
    read = list(work.values())[: stages.index(select_stages(stages, stage)[-1]) + 1]
    shares = np.cumsum(read[::-1]) / max(1.0, sum(work.values()))
    depths = {1, *(int(np.searchsorted(shares, share)) + 1 for share in STEP_SHARES)}
    return tuple(sorted({min(depth, len(read), MAX_DEPTH) for depth in depths}))


def training_products(above: float, n_train: int, n_validation: int) -> float:
    """Multiplications of one epoch in the stages that train; above: theirs per image."""
    steps = max(1, n_train // 32)
    return above * (BACKWARD * (n_train + OPTIMISER_ITEMS * steps) + n_validation)


def _products(layer: Any) -> float:
    """Multiplications of one layer, those of the layers nested in it included."""
    if hasattr(layer, "layers"):
        return sum(_products(inner) for inner in layer.layers)
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0.0
    shape = layer.output.shape[1:-1]
    places = float(np.prod([n for n in shape if n]))
    return places * float(np.prod(kernel.shape))
