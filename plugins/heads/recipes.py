"""Two published recipes as fixed presets; they run only when asked for by name.

Both read the pooled features as they are, without standardisation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autotl.hookspecs import hookimpl
from autotl.interfaces import Head, Recipe

if TYPE_CHECKING:
    import keras_tuner


def build_dense512(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """Dense(512, relu) and Dense(n_classes, softmax), an uncompiled Keras model; nothing is searched."""
    import keras

    inputs = keras.Input((n_features,), name="features")
    x = keras.layers.Dense(512, "relu")(inputs)
    outputs = keras.layers.Dense(n_classes, "softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="resnet50_gap_dense512")


def build_dense128(hp: keras_tuner.HyperParameters, n_features: int, n_classes: int) -> Any:
    """Dense(128, relu), batch normalisation and Dense(n_classes, softmax), an uncompiled Keras model."""
    import keras

    inputs = keras.Input((n_features,), name="features")
    x = keras.layers.Dense(128, "relu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    outputs = keras.layers.Dense(n_classes, "softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="vgg16_dense128")


@hookimpl
def register_heads() -> Iterable[Head]:
    yield Head(
        "resnet50-gap-dense512",
        build_dense512,
        standardise=False,
        recipe=Recipe(
            strategy="probe",
            backbone="resnet50",
            size=(224, 224),
            stage="top",
            pooling="avg",
            trainable_stages=0,
        ),
    )
    # Keras's VGG16 without its classifier ends in block5_conv1, 2, 3, block5_pool and the pooling: the last five
    # layers are the deepest stage. The size is published as width x height, 178 x 218.
    yield Head(
        "vgg16-dense128",
        build_dense128,
        standardise=False,
        recipe=Recipe(
            strategy="fine-tune",
            backbone="vgg16",
            size=(218, 178),
            stage="top",
            pooling="avg",
            trainable_stages=1,
        ),
    )
