"""What an autoencoder minimises, as a compiled Keras model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotl.autoencoding.trained import TrainedAutoencoder
from autotl.runtime import keras_backend

if TYPE_CHECKING:
    import keras

LEARNING_RATE = 2e-3
_LEAST_FRACTION = 1e-6
"""Keeps the logarithm of a reconstructed pixel finite."""


def compiled(trained: TrainedAutoencoder, *, seed: int) -> keras.Model:
    """A model to train on pairs of the same pixels, which shares its layers with the encoder and the decoder.

    Without a variational encoder it minimises the squared error. Otherwise it maximises the evidence lower bound
    (Kingma & Welling 2014), with the cross-entropy of pixels, summed over the image and averaged over its channels, so
    that an image in grey counts the same however it is stored.
    """
    import keras

    pixels = keras.Input(trained.encoder.input_shape[1:])
    if not trained.is_variational:
        model = keras.Model(pixels, trained.decoder(trained.encoder(pixels)))
        loss: Any = "mean_squared_error"
    else:
        mean, log_variance = trained.encoder(pixels)
        model = keras.Model(pixels, trained.decoder(_drawing_layer(seed)([mean, log_variance])))
        loss = _cross_entropy
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, jit_compile=keras_backend.compiles_steps())
    return model


def _cross_entropy(pixels: Any, reconstruction: Any) -> Any:
    """Of each image, (n,)."""
    from keras import ops

    fractions = ops.clip(ops.cast(reconstruction, pixels.dtype), _LEAST_FRACTION, 1 - _LEAST_FRACTION)
    of_values = pixels * ops.log(fractions) + (1 - pixels) * ops.log(1 - fractions)
    return -ops.sum(ops.mean(of_values, axis=-1), axis=(1, 2))


def _drawing_layer(seed: int) -> keras.Layer:
    """A layer that draws latents from normal distributions, and adds their divergence from the standard one."""
    import keras
    from keras import ops

    class Draw(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(dtype="float32")
            self.generator = keras.random.SeedGenerator(seed)

        def call(self, inputs: Any) -> Any:
            mean, log_variance = inputs
            divergence = 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1, axis=-1)
            self.add_loss(ops.mean(divergence))
            noise = keras.random.normal(ops.shape(mean), seed=self.generator)
            return mean + ops.exp(0.5 * log_variance) * noise

    return Draw()
