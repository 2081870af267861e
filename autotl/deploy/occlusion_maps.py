"""Maps of a model's evidence by covering parts of the image (Zeiler & Fergus 2014): slow, but it works for every model.

A part is covered with a blurred copy of the image, which avoids the edges and the foreign colour of a grey patch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from autotl.training.calibration import SMALLEST_PROBABILITY

GRID = 8
"""Windows along each side; each is two cells wide, so that neighbours overlap by half."""
_BLUR = 0.08
"""Standard deviation of the blur, as a share of the image's longer side."""

Answer = Callable[[np.ndarray], np.ndarray]
"""Probabilities float (n, n_classes) of pixels uint8 (n, height, width, 3)."""


def occlusion_map(answer: Answer, pixels: np.ndarray, classes: tuple[int, int], *, grid: int = GRID) -> np.ndarray:
    """The drop in log-odds of the first class against the second when each window is covered, float (grid, grid).

    pixels: uint8 (height, width, 3).
    """
    variants = np.repeat(pixels[None], grid * grid + 1, axis=0)
    cover = blurred(pixels)
    for place, (rows, columns) in enumerate(windows(pixels.shape[0], pixels.shape[1], grid)):
        variants[place + 1, rows, columns] = cover[rows, columns]
    odds = log_odds(answer(variants), classes)
    return np.asarray((odds[0] - odds[1:]).reshape(grid, grid))


def windows(height: int, width: int, grid: int = GRID) -> list[tuple[slice, slice]]:
    """The rows and columns of each window, row by row of the grid."""

    def sides(n: int) -> list[slice]:
        cell = n / grid
        return [
            slice(max(0, round((i - 0.5) * cell)), max(round((i + 1.5) * cell), round(i * cell) + 1))
            for i in range(grid)
        ]

    return [(rows, columns) for rows in sides(height) for columns in sides(width)]


def by_cell(found: np.ndarray, grid: int = GRID) -> np.ndarray:
    """The sums of a map (h, w) over the cells of a grid that is at most as fine, float64 (grid, grid)."""

    def membership(n: int) -> np.ndarray:
        edges = np.linspace(0, n, grid + 1)
        lower = np.maximum(np.arange(n)[None], edges[:-1, None])
        upper = np.minimum(np.arange(n)[None] + 1, edges[1:, None])
        return np.asarray(np.maximum(0, upper - lower))

    height, width = found.shape
    return np.asarray(membership(height) @ found @ membership(width).T)


def covered(pixels: np.ndarray, cells: np.ndarray, grid: int = GRID, *, keep: bool = False) -> np.ndarray:
    """An image with some cells blurred. cells: their numbers, row by row; keep: blur all other cells instead."""
    height, width = pixels.shape[:2]
    chosen = np.zeros(grid * grid, bool)
    chosen[cells] = True
    rows, columns = (np.arange(n) * grid // n for n in (height, width))
    mask = chosen.reshape(grid, grid)[rows[:, None], columns[None]] != keep
    return np.asarray(np.where(mask[..., None], blurred(pixels), pixels))


def blurred(pixels: np.ndarray) -> np.ndarray:
    """A strongly blurred copy, uint8 (height, width, 3)."""
    radius = _BLUR * max(pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def log_odds(probabilities: np.ndarray, classes: tuple[int, int]) -> np.ndarray:
    """Log-odds of one class against another, float64 (n,); probabilities: (n, n_classes)."""
    logs = np.log(np.maximum(probabilities.astype(np.float64), SMALLEST_PROBABILITY))
    return np.asarray(logs[:, classes[0]] - logs[:, classes[1]])
