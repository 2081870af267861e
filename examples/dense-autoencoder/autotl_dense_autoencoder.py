"""An autoencoder of fully connected layers: fewer weights to learn than a convolutional one on very small images."""

import autotl
from autotl.interfaces import Autoencoder


def build(edge, n_latents):
    import keras

    encoder = keras.Sequential([
        keras.Input((edge, edge, 3)), keras.layers.Flatten(), keras.layers.Dense(256, activation="relu"),
        keras.layers.Dense(n_latents, dtype="float32"),
    ])  # fmt: skip
    decoder = keras.Sequential([
        keras.Input((n_latents,)), keras.layers.Dense(256, activation="relu"),
        keras.layers.Dense(edge * edge * 3, activation="sigmoid", dtype="float32"),
        keras.layers.Reshape((edge, edge, 3), dtype="float32"),
    ])  # fmt: skip
    return encoder, decoder


@autotl.hookimpl
def register_autoencoders():
    yield Autoencoder("dense", build)
