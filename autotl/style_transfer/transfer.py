"""Style transfer between two images with one backbone, whose networks are built once for any number of transfers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autotl.interfaces import Backbone
from autotl.runtime import keras_backend
from autotl.style_transfer.losses import Weights, gram_matrix, loss_terms
from autotl.style_transfer.network import build_frozen, stage_reader, stage_strides
from autotl.style_transfer.optimisation import minimise
from autotl.style_transfer.stages import StyleStages

NOISE = 0.05
"""Deviation of the noise in which the optimisation begins, around the content image; the range of pixels is 1."""


@dataclass(frozen=True)
class Transferred:
    """An image with the content of one image and the style of another.

    image: uint8 (height, width, 3). style_loss, style_loss_before: of the image, and of the content image itself.
    content_correlation: between the activations of the image and of the content image, at the content stage.
    """

    image: np.ndarray
    stages: StyleStages
    steps: int
    interrupted: bool
    style_loss_before: float
    style_loss: float
    content_correlation: float

    @property
    def style_reduction(self) -> float:
        """The share of the style loss that is gone."""
        return 1 - self.style_loss / self.style_loss_before if self.style_loss_before > 0 else 0.0


class StyleTransfer:
    """Transfers the style of one image to another.

    content, style: uint8 (height, width, 3), of any two sizes. Use it within `keras_backend.session`, in single
    precision.
    """

    def __init__(self, backbone: Backbone, content: np.ndarray, style: np.ndarray) -> None:
        self._content, self._style = content, style
        self._network = build_frozen(backbone, content.shape[:2])
        same = style.shape == content.shape
        self._style_network = self._network if same else build_frozen(backbone, style.shape[:2])
        self.strides = stage_strides(self._network)

    def run(
        self, stages: StyleStages, weights: Weights, *, steps: int, seed: int,
        after_step: Callable[[int, np.ndarray], None],
    ) -> Transferred:  # fmt: skip
        """Transfer the style. after_step(number from 1, image): called after each, with pixels as in the result."""
        read = stage_reader(self._network, stages.names)
        content = read(_batch(self._content))[stages.content]
        styles = stage_reader(self._style_network, tuple(stages.style))(_batch(self._style))
        grams = {name: gram_matrix(activations) for name, activations in styles.items()}
        terms = loss_terms(read, stages, content=content, style=grams, weights=weights)
        loss = keras_backend.with_gradient(terms)
        begin = _batch(self._content) / 255
        noise = np.random.default_rng(seed).normal(0, NOISE, begin.shape)
        found = minimise(
            loss, np.clip(begin + noise, 0, 1), steps=steps,
            after_step=lambda number, image: after_step(number, _as_pixels(image)),
        )  # fmt: skip
        # Of the pixels as they are saved, and without the weights.
        image = _as_pixels(found.image)
        before, after = (_style_loss(loss(_batch(one) / 255)[0], weights) for one in (self._content, image))
        activations = read(_batch(image))[stages.content]
        return Transferred(
            image, stages, found.steps, found.interrupted, before, after, _correlation(activations, content)
        )


def _batch(pixels: np.ndarray) -> np.ndarray:
    return pixels[None].astype(np.float32)


def _as_pixels(image: np.ndarray) -> np.ndarray:
    pixels: np.ndarray = np.round(255 * image[0]).astype(np.uint8)
    return pixels


def _style_loss(terms: np.ndarray, weights: Weights) -> float:
    return float(terms[2:].sum()) / weights.style


def _correlation(one: Any, other: Any) -> float:
    """Pearson's; 0 where one of them is constant."""
    import keras

    first, second = (keras.ops.convert_to_numpy(values).ravel().astype(np.float64) for values in (one, other))
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / norm) if norm > 0 else 0.0
