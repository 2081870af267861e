"""A small backbone as a plugin of one file, for tests that start processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autotl import hookimpl
from autotl.interfaces import Backbone


def build_tiny(height: int, width: int) -> Any:
    """A small network of three stages, with batch normalisation, whose weights are the same every time."""
    import keras
    from keras import layers

    inputs = keras.Input((height, width, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    outputs = []
    for name, filters in (("shallow", 8), ("middle", 12), ("deep", 16)):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False, name=f"{name}.conv")(x)
        x = layers.BatchNormalization(name=f"{name}.bn")(x)
        x = layers.ReLU(name=name)(x)
        outputs.append(x)
    model = keras.Model(inputs, outputs, name="tiny")
    rng = np.random.default_rng(7)
    for variable in model.variables:
        fan_in = max(1, int(np.prod(variable.shape[:-1])))
        if "variance" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif "gamma" in variable.path:
            variable.assign(np.ones(variable.shape))
        else:
            variable.assign(rng.normal(0, np.sqrt(2 / fan_in) if fan_in > 1 else 0.1, variable.shape))
    return model


@hookimpl
def register_backbones() -> Iterator[Backbone]:
    """Offer the backbone; this file stands for its weights, which are drawn."""
    yield Backbone("tiny", build_tiny, lambda download: Path(__file__), ((32, 32), (48, 48)), embedded=True)
