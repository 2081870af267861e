"""A dense network: the head that can also sit on an unfrozen backbone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head

if TYPE_CHECKING:
    import keras_tuner


def build(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """An uncompiled Keras model from (n, n_features) to float32 softmax probabilities (n, n_classes).

    It expects standardised features, and searches hidden layers, units, dropout, batch normalisation and activation.
    """
    import keras

    n_hidden = hp.Int("hidden_layers", 0, 2, default=1)
    dropout = hp.Float("dropout", 0.0, 0.6, default=0.2)
    if n_hidden:
        units = hp.Int("units", 32, 512, sampling="log", default=128)
        batch_normalisation = hp.Boolean("batch_normalisation", default=False)
        activation = hp.Choice("activation", ["relu", "gelu", "swish"], default="relu")

    inputs = keras.Input((n_features,), name="features")
    x = inputs
    for number in range(1, n_hidden + 1):
        x = keras.layers.Dropout(dropout)(x)
        # Batch normalisation brings its own bias.
        x = keras.layers.Dense(units, use_bias=not batch_normalisation, name=f"hidden_{number}")(x)
        if batch_normalisation:
            x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Activation(activation)(x)
    x = keras.layers.Dropout(dropout)(x)
    # float32: under mixed precision a softmax in float16 does not sum to 1.
    outputs = keras.layers.Dense(n_classes, "softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="dense")


@hookimpl
def register_heads() -> Iterable[Head]:
    yield Head("dense", build, on_components=True)
