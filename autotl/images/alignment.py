"""Aligning two images at 32 x 32 pixels: which part of one image shows what another image shows."""

from __future__ import annotations

import numpy as np
from PIL import Image

MINIATURE_EDGE = 32
"""Pixels; enough to distinguish copies of an image from unrelated images."""
_EDGE = 16
"""Pixels per side of a descriptor: half of a miniature, so that a crop is not blurred by being enlarged."""
_MAX_STEP = 0.06
"""Largest move per step, as a fraction of the image's side: further away the gradient says nothing."""
_FAINTEST = 2.0
"""Standard deviation, in grey levels, below which an image counts as blank: what it shows then is noise."""

Box = tuple[float, float, float, float]
"""(top, bottom, left, right) as fractions of height and width; outside 0..1 the edge pixels are repeated."""
WHOLE: Box = (0.0, 1.0, 0.0, 1.0)


def miniature(image: Image.Image) -> np.ndarray:
    """Resize an RGB image to uint8 (3, 32, 32) from any shape: luminance and two colour differences."""
    small = image.resize((MINIATURE_EDGE, MINIATURE_EDGE), Image.Resampling.BOX).convert("YCbCr")
    return np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)


def describe(miniatures: np.ndarray, boxes: np.ndarray | Box) -> np.ndarray:
    """Descriptors of what the boxes show: vectors of mean 0 and length 1 (shorter where the image is nearly blank).

    miniatures: uint8 (n, 3, 32, 32); boxes: one for all, or float (n, 4). Returns float32 (n, 768).
    """
    boxes = np.atleast_2d(np.asarray(boxes, dtype=np.float32))
    rows = _resampling(boxes[:, 0], boxes[:, 1], _EDGE)
    columns = _resampling(boxes[:, 2], boxes[:, 3], _EDGE).swapaxes(2, 3)
    vectors = np.empty((len(miniatures), 3 * _EDGE * _EDGE), dtype=np.float32)
    for start in range(0, len(miniatures), 2048):
        part = slice(start, start + 2048)
        own = part if len(boxes) > 1 else slice(None)
        seen = rows[own] @ miniatures[part].astype(np.float32) @ columns[own]
        seen -= seen.mean((2, 3), keepdims=True)
        vectors[part] = seen.reshape(len(seen), -1)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _FAINTEST * _EDGE))


def align(first: np.ndarray, second: np.ndarray, boxes: np.ndarray, *, steps: int = 3) -> np.ndarray:
    """Move each box until what it shows of `first` matches the whole of `second`.

    first, second: uint8 (n, 3, 32, 32), of which the luminance is used; boxes: float (n, 4), where to start. Returns
    the boxes, float32 (n, 4). Gauss-Newton steps on the squared difference after brightness and contrast are
    normalised, over a shift and a scale of each axis: Lucas and Kanade, "An iterative image registration technique",
    1981.
    """
    n = MINIATURE_EDGE
    first, second = first[:, 0].astype(np.float32), _standardised(second[:, 0].astype(np.float32))
    gradient_y, gradient_x = np.gradient(first, axis=1) * n, np.gradient(first, axis=2) * n
    along = ((np.arange(n) + 0.5) / n).astype(np.float32)
    boxes = boxes.astype(np.float32)
    for _ in range(steps):
        rows = _resampling(boxes[:, 0], boxes[:, 1], n)[:, 0]
        columns = _resampling(boxes[:, 2], boxes[:, 3], n)[:, 0].swapaxes(1, 2)
        seen = rows @ first @ columns
        gain = 1 / (_deviation(seen) + 1e-6)
        residual = (second - _standardised(seen)).reshape(len(boxes), -1, 1)
        down, right = rows @ gradient_y @ columns * gain, rows @ gradient_x @ columns * gain
        moves = (down * (1 - along)[:, None], down * along[:, None], right * (1 - along), right * along)
        jacobian = np.stack([(move - move.mean((1, 2), keepdims=True)).reshape(len(boxes), -1) for move in moves], 1)
        normal = jacobian @ jacobian.swapaxes(1, 2)
        # A little of the trace (ridge) keeps an image without any gradient from moving at random.
        ridge = 2.5e-4 * np.trace(normal, axis1=1, axis2=2) + 1e-6
        step = np.linalg.solve(normal + ridge[:, None, None] * np.eye(4, dtype=np.float32), jacobian @ residual)
        boxes = boxes + np.clip(step[:, :, 0], -_MAX_STEP, _MAX_STEP)
        boxes = np.clip(boxes, (-0.1, 0.7, -0.1, 0.7), (0.3, 1.1, 0.3, 1.1)).astype(np.float32)
    return boxes


def _standardised(images: np.ndarray) -> np.ndarray:
    centred = images - images.mean((1, 2), keepdims=True)
    return np.asarray(centred / (_deviation(images) + 1e-6))


def _deviation(images: np.ndarray) -> np.ndarray:
    return np.asarray(images.std((1, 2), keepdims=True))


def _resampling(low: np.ndarray, high: np.ndarray, size: int) -> np.ndarray:
    """Matrices (n, 1, size, 32) that average the interval from low to high into `size` pixels."""
    n = MINIATURE_EDGE
    cuts = (low[:, None] + (high - low)[:, None] * np.linspace(0, 1, size + 1, dtype=np.float32)) * n
    pixel = np.arange(n, dtype=np.float32)
    begin, end = pixel.copy(), pixel + 1
    begin[0], end[-1] = -n, 2 * n  # the edge pixels are repeated
    overlap = np.minimum(cuts[:, 1:, None], end) - np.maximum(cuts[:, :-1, None], begin)
    weights = np.maximum(overlap, 0)
    return np.asarray((weights / weights.sum(2, keepdims=True))[:, None])
