"""Style transfer between two images with one backbone, whose networks are built once for any number of transfers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autotl.interfaces import Backbone
from autotl.runtime import keras_backend
from autotl.style_transfer.losses import gram_matrix, loss_terms
from autotl.style_transfer.network import build_frozen, stage_reader, stage_strides
from autotl.style_transfer.optimisation import minimise
from autotl.style_transfer.stages import StyleStages

NOISE = 0.05
"""Deviation of the noise in which the optimisation begins, around the content image; the range of pixels is 1."""
NEGLIGIBLE = 1e-6
"""A style loss that comes from rounding alone; that of an image against one in another style is about 1."""


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
        """The share of the style loss that is gone; 0 where the content image has the style already."""
        return 1 - self.style_loss / self.style_loss_before if self.style_loss_before > NEGLIGIBLE else 0.0


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
        self, stages: StyleStages, *, style_weight: float, steps: int, seed: int,
        after_step: Callable[[int, np.ndarray], None],
    ) -> Transferred:  # fmt: skip
        """Transfer the style. after_step(number from 1, image): called after each, with pixels as in the result."""
        read = stage_reader(self._network, stages.names)
        content = read(_batch(self._content))[stages.content]
        styles = stage_reader(self._style_network, tuple(stages.style))(_batch(self._style))
        grams = {name: gram_matrix(activations) for name, activations in styles.items()}
        terms = loss_terms(read, stages, content=content, style=grams, style_weight=style_weight)
        corners = _corners(_batch(self._content) / 255)
        noise = np.random.default_rng(seed).normal(0, NOISE, corners.shape)
        found = minimise(
            keras_backend.with_gradient(lambda point: terms(_mean_of_corners(point))),
            np.clip(corners + noise, 0, 1), steps=steps,
            after_step=lambda number, point: after_step(number, _as_pixels(point)),
        )  # fmt: skip
        image = _as_pixels(found.image)  # as it is saved
        before, after = (_style_loss(terms(_batch(one) / 255)) / style_weight for one in (self._content, image))
        activations = read(_batch(image))[stages.content]
        return Transferred(
            image, stages, found.steps, found.interrupted, before, after, _correlation(activations, content)
        )


def _batch(pixels: np.ndarray) -> np.ndarray:
    return pixels[None].astype(np.float32)


def _corners(image: np.ndarray) -> np.ndarray:
    """The corners between pixels, (1, height + 1, width + 1, 3): each is the mean of the pixels around it."""
    return np.asarray(_mean_of_corners(np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")))


def _mean_of_corners(corners: Any) -> Any:
    """Pixels as means of their four corners.

    Networks whose first layer has a stride of two hardly see patterns that alternate from pixel to pixel, which would
    cover the image if its pixels were free. No mean of corners alternates so.
    """
    rows = (corners[:, 1:] + corners[:, :-1]) / 2
    return (rows[:, :, 1:] + rows[:, :, :-1]) / 2


def _as_pixels(corners: np.ndarray) -> np.ndarray:
    pixels: np.ndarray = np.round(255 * _mean_of_corners(corners)[0]).astype(np.uint8)
    return pixels


def _style_loss(terms: Any) -> float:
    import keras

    return float(keras.ops.convert_to_numpy(terms)[1:].sum())


def _correlation(one: Any, other: Any) -> float:
    """Pearson's; 0 where one of them is constant."""
    import keras

    first, second = (keras.ops.convert_to_numpy(values).ravel().astype(np.float64) for values in (one, other))
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / norm) if norm > 0 else 0.0
