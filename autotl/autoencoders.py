"""Networks that are trained on the images of a run to reconstruct them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Autoencoder:
    """An encoder into a few numbers, the latents, and a decoder back to pixels, both trained from scratch.

    build(edge, n_latents): an uncompiled encoder from pixels in 0..1, float32 (n, edge, edge, 3), and a decoder from
        latents (n, n_latents) to pixels in 0..1. The encoder returns the latents (n, n_latents); where `variational`,
        the mean and the logarithm of the variance of each, both (n, n_latents).
    variational: whether the latents are drawn from a normal distribution, which is drawn towards the standard one
        (Kingma & Welling 2014, arXiv:1312.6114).
    """

    name: str
    build: Callable[[int, int], tuple[keras.Model, keras.Model]]
    variational: bool = False
