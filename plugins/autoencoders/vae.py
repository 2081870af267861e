"""A convolutional variational autoencoder (Kingma & Welling 2014, arXiv:1312.6114)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autotl.hookspecs import hookimpl
from autotl.interfaces import Autoencoder
from autotl_plugins.autoencoders._convolutional import build_decoder, build_encoder

if TYPE_CHECKING:
    import keras


def build(edge: int, n_latents: int) -> tuple[keras.Model, keras.Model]:
    """An encoder to the mean and the logarithm of the variance of each latent, and a decoder."""
    return build_encoder(edge, n_latents, "mean", "log_variance"), build_decoder(edge, n_latents)


@hookimpl
def register_autoencoders() -> Iterator[Autoencoder]:
    """Offer it."""
    yield Autoencoder("vae", build, variational=True)
