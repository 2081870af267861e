"""The largest object before a plain background: Otsu's threshold on the distance to the colour of the border."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

EDGE = 128
"""Pixels of the longer edge of the copy that is looked at."""
MARGIN = 0.1
"""Around the object, as a share of its longer edge."""
LEAST_AREA, MOST_AREA = 0.002, 0.8
"""Of the object, as shares of the image; what is smaller is taken for noise, what is larger for the background."""
LEAST_SEPARATION, LEAST_DISTANCE = 0.65, 12.0
"""Share of the variance that lies between the two sides of the threshold, and the threshold itself, in levels of 255:
below them nothing stands out."""
MOST_BORDER, LEAST_SHARE = 0.25, 0.5
"""Share of the border that may differ from its colour, and the least share that the largest object has of all that
differs; otherwise the background is not plain."""


def open(_files: Mapping[str, bytes]) -> Callable[[np.ndarray], np.ndarray | None]:
    """What finds the object; it reads no files."""
    return find


def find(pixels: np.ndarray) -> np.ndarray | None:
    """The corners of a square around the largest object, float (4, 2); None if nothing stands out."""
    image = Image.fromarray(pixels)
    image.thumbnail((EDGE, EDGE), Image.Resampling.BOX)
    small = np.asarray(image, np.float64)
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    distance = np.linalg.norm(small - np.median(border, axis=0), axis=2)
    threshold, separation = otsu(distance)
    mask = distance > threshold
    on_border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean()
    if separation < LEAST_SEPARATION or threshold < LEAST_DISTANCE or on_border > MOST_BORDER:
        return None
    box = largest_component(mask)
    if box is None:
        return None
    left, top, right, bottom, n_pixels = box
    if n_pixels < LEAST_SHARE * mask.sum() or not LEAST_AREA <= n_pixels / mask.size <= MOST_AREA:
        return None
    scale = np.array(pixels.shape[1::-1]) / np.array(image.size)
    return square(np.array([left, top]) * scale, np.array([right, bottom]) * scale)


def square(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The corners of a square with a margin around a box."""
    half = (high - low).max() * (0.5 + MARGIN)
    x, y = (low + high) / 2
    return np.array([(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)])


def otsu(values: np.ndarray) -> tuple[float, float]:
    """The threshold with the largest variance between its two sides, and its share of all variance (Otsu 1979)."""
    counts, edges = np.histogram(values, bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    sums, whole = np.cumsum(counts * centres), (counts * centres).sum()
    above = total - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (whole - sums) / above) ** 2 / total**2
    between = np.nan_to_num(between)
    # Between two groups without values between them every threshold is as good: the middle one is taken.
    best = int(np.flatnonzero(between >= between.max()).mean())
    variance = float(values.var())
    return float(edges[best + 1]), float(between[best] / variance) if variance > 1 else 0.0


def largest_component(mask: np.ndarray) -> tuple[int, int, int, int, int] | None:
    """Left, top, right and bottom of the largest connected part of a mask, and its pixels; None if there is none."""
    parents: list[int] = []
    boxes: list[list[int]] = []
    previous: list[tuple[int, int, int]] = []

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for y, row in enumerate(mask):
        steps = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]]))).reshape(-1, 2)
        current = []
        for start, stop in steps.tolist():
            number = len(parents)
            parents.append(number)
            boxes.append([start, y, stop, y + 1, stop - start])
            for other_start, other_stop, other in previous:
                if other_start <= stop and start <= other_stop and (one := root(other)) != (own := root(number)):
                    parents[own] = one
                    a, b = boxes[one], boxes[own]
                    boxes[one] = [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]), a[4] + b[4]]
            current.append((start, stop, number))
        previous = current
    whole = [boxes[number] for number in range(len(parents)) if parents[number] == number]
    if not whole:
        return None
    left, top, right, bottom, n_pixels = max(whole, key=lambda box: box[4])
    return left, top, right, bottom, n_pixels
