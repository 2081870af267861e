"""What an autoencoder minimises, as a compiled Keras model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotl.autoencoding.trained import TrainedAutoencoder

if TYPE_CHECKING:
    import keras

LEARNING_RATE = 2e-3
_LEAST_VARIANCE = 1e-5
"""Of a pixel, in squares of its range: that of rounding to 8 bits."""


def compiled(trained: TrainedAutoencoder, *, seed: int) -> keras.Model:
    """A model to train on pairs of the same pixels, which shares its layers with the encoder and the decoder.

    Without a variational encoder it minimises the squared error. Otherwise it maximises the evidence lower bound, with
    normally distributed pixels whose variance is the best one for each batch (Rybkin et al. 2021, arXiv:2006.13202),
    so that the weight of the two parts of the bound needs no choice.
    """
    import keras

    pixels = keras.Input(trained.encoder.input_shape[1:])
    if not trained.is_variational:
        model = keras.Model(pixels, trained.decoder(trained.encoder(pixels)))
        loss: Any = "mean_squared_error"
    else:
        mean, log_variance = trained.encoder(pixels)
        model = keras.Model(pixels, trained.decoder(_drawing_layer(seed)([mean, log_variance])))
        loss = _reconstruction_loss
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, jit_compile=False)
    return model


def _reconstruction_loss(pixels: Any, reconstruction: Any) -> Any:
    """Minus the log likelihood of an image, up to a constant, at the variance that is the best for the batch."""
    from keras import ops

    n_values = pixels.shape[1] * pixels.shape[2] * pixels.shape[3]
    variance = ops.mean(ops.square(pixels - ops.cast(reconstruction, pixels.dtype)))
    return 0.5 * n_values * ops.log(ops.maximum(variance, _LEAST_VARIANCE))


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
