"""A variational autoencoder whose encoder also classifies, as Keras models of images or of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotl.runtime import keras_backend

KL_WEIGHT = 5e-4
"""Of the Kullback-Leibler divergence from the standard normal distribution, beside the mean error of reconstruction."""


@dataclass(frozen=True)
class VariationalClassifier:
    """Models that share their layers.

    whole: inputs -> `probabilities` and `reconstruction`, compiled; classifier: inputs -> probabilities, float32
    (n, n_classes); encoder: inputs -> the means of the latent variables, float32 (n, n_latents). initial: what all
    variables are before any training.
    """

    whole: Any
    classifier: Any
    encoder: Any
    initial: list[Any]

    def restart(self) -> None:
        """Forget what was learned; compiled functions are kept, for to trace them takes longer than many a training."""
        for variable, value in zip(_variables(self.whole), self.initial, strict=True):
            variable.assign(value)


def of_images(edge: int, n_classes: int, *, n_latents: int = 32, n_filters: int = 12) -> VariationalClassifier:
    """Four convolutions and their reverse, after the network of Amini et al. 2019; inputs from 0 to 1.

    edge: of the images (edge, edge, 3), a multiple of 16.
    """
    from keras import layers

    sizes = ((n_filters, 5), (2 * n_filters, 5), (4 * n_filters, 3), (6 * n_filters, 3))

    def encode(x: Any) -> Any:
        for filters, kernel in sizes:
            x = layers.Conv2D(filters, kernel, strides=2, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return layers.Flatten()(x)

    def decode(x: Any) -> Any:
        small = edge // 2 ** len(sizes)
        x = layers.Dense(small * small * sizes[-1][0], "relu")(x)
        x = layers.Reshape((small, small, sizes[-1][0]))(x)
        for filters, kernel in reversed(((3, 5), *sizes[:-1])):
            activation = "relu" if filters > 3 else "sigmoid"
            x = layers.Conv2DTranspose(filters, kernel, strides=2, padding="same", activation=activation)(x)
        return x

    return _assemble((edge, edge, 3), encode, decode, n_classes, n_latents)


def of_features(n_features: int, n_classes: int, *, n_latents: int = 16, n_units: int = 128) -> VariationalClassifier:
    """A hidden layer on either side; inputs scaled to a mean of 0 and a variance of about 1."""
    from keras import layers

    def encode(x: Any) -> Any:
        return layers.Dropout(0.2)(layers.Dense(n_units, "relu")(x))

    def decode(x: Any) -> Any:
        return layers.Dense(n_features)(layers.Dense(n_units, "relu")(x))

    return _assemble((n_features,), encode, decode, n_classes, n_latents)


def _assemble(
    shape: tuple[int, ...], encode: Any, decode: Any, n_classes: int, n_latents: int
) -> VariationalClassifier:
    import keras
    from keras import layers

    inputs = keras.Input(shape)
    code = encode(inputs)
    probabilities = layers.Dense(n_classes, "softmax", dtype="float32", name="probabilities")(code)
    mean = layers.Dense(n_latents, dtype="float32", name="mean")(code)
    log_variance = layers.Dense(n_latents, dtype="float32", name="log_variance")(code)
    sample = _sampling_layer()([mean, log_variance])
    reconstruction = layers.Activation("linear", dtype="float32", name="reconstruction")(decode(sample))
    whole = keras.Model(inputs, {"probabilities": probabilities, "reconstruction": reconstruction})
    losses = {"probabilities": "sparse_categorical_crossentropy", "reconstruction": "mean_absolute_error"}
    whole.compile(keras.optimizers.Adam(1e-3), losses, jit_compile=keras_backend.compiles_steps())
    whole.optimizer.build(whole.trainable_variables)
    initial = [keras.ops.convert_to_numpy(variable) for variable in _variables(whole)]
    return VariationalClassifier(whole, keras.Model(inputs, probabilities), keras.Model(inputs, mean), initial)


def _variables(model: Any) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _sampling_layer() -> Any:
    import keras
    from keras import ops

    class Sampling(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """Draws latent variables, and adds their divergence to the loss."""

        def __init__(self) -> None:
            super().__init__(dtype="float32")
            self.generator = keras.random.SeedGenerator()

        def call(self, inputs: Any) -> Any:
            mean, log_variance = inputs
            divergence = ops.square(mean) + ops.exp(log_variance) - log_variance - 1
            self.add_loss(KL_WEIGHT * 0.5 * ops.mean(ops.sum(divergence, axis=1)))
            noise = keras.random.normal(ops.shape(mean), seed=self.generator)
            return mean + ops.exp(0.5 * log_variance) * noise

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape[0]

    return Sampling()
