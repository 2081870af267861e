"""The usual preprocessings of 0..255 RGB, as (scale, offset) of a `Rescaling` layer."""

from __future__ import annotations

from typing import TypeAlias

Scaling: TypeAlias = tuple[float | list[float], float | list[float]]

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's images in 0..1, red, green and blue."""
SYMMETRIC: Scaling = (1 / 127.5, -1.0)
IMAGENET: Scaling = (
    [1 / (255 * deviation) for deviation in DEVIATION],
    [-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)],
)
CENTRED: Scaling = (1.0, [-123.68, -116.779, -103.939])
"""Minus the mean of ImageNet, as Caffe does. Such networks take BGR: the first kernel's input channels are reversed."""
