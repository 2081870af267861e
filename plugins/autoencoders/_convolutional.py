"""The networks that our autoencoders share: strided convolutions down to a few pixels, and the same way up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

_WIDTHS = (32, 64, 128)
"""Channels after each convolution; further ones have as many as the last."""
_SMALLEST_EDGE = 4
_KERNEL = 4
"""A multiple of the stride, so that transposed convolutions leave no chequered pattern (Odena et al. 2016)."""


def build_encoder(edge: int, n_latents: int, *outputs: str) -> keras.Model:
    """A network from pixels (n, edge, edge, 3) to one vector (n, n_latents) for each of the named outputs."""
    import keras

    pixels = keras.Input((edge, edge, 3), name="pixels")
    values: Any = pixels
    for width in _widths(edge):
        values = keras.layers.Conv2D(width, _KERNEL, strides=2, padding="same", use_bias=False)(values)
        values = _activated(values)
    values = keras.layers.Flatten()(values)
    found = [keras.layers.Dense(n_latents, dtype="float32", name=name)(values) for name in outputs]
    return keras.Model(pixels, found if len(found) > 1 else found[0], name="encoder")


def build_decoder(edge: int, n_latents: int) -> keras.Model:
    """A network from latents (n, n_latents) to pixels in 0..1, (n, edge, edge, 3)."""
    import keras

    widths = _widths(edge)
    low = edge // 2 ** len(widths)
    latents = keras.Input((n_latents,), name="latents")
    values: Any = keras.layers.Dense(low * low * widths[-1], use_bias=False)(latents)
    values = _activated(keras.layers.Reshape((low, low, widths[-1]))(values))
    for width in (*reversed(widths[:-1]), widths[0]):
        values = keras.layers.Conv2DTranspose(width, _KERNEL, strides=2, padding="same", use_bias=False)(values)
        values = _activated(values)
    # Single precision also where the rest is computed in half precision: the loss is computed of these numbers.
    pixels = keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid", dtype="float32", name="pixels")(values)
    return keras.Model(latents, pixels, name="decoder")


def _widths(edge: int) -> tuple[int, ...]:
    """Channels of each convolution, which halves the edge, until it is odd or would be below `_SMALLEST_EDGE`."""
    n = 0
    while edge % 2 == 0 and edge // 2 >= _SMALLEST_EDGE:
        edge, n = edge // 2, n + 1
    return tuple(_WIDTHS[min(place, len(_WIDTHS) - 1)] for place in range(n))


def _activated(values: Any) -> Any:
    import keras

    return keras.layers.LeakyReLU(0.1)(keras.layers.BatchNormalization(momentum=0.9)(values))
