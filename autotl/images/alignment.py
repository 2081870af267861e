"""Aligning two images at 32 x 32 pixels: which part of one image shows what another image shows."""

from __future__ import annotations

import numpy as np
from PIL import Image

MINIATURE_EDGE = 32
"""Pixels; enough to distinguish copies of an image from unrelated images."""
_EDGE = 16
"""Pixels per side of a descriptor: half of a miniature, so that a crop is not blurred by being enlarged."""
_DESCRIBED_AT_ONCE = 128
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
    for start in range(0, len(miniatures), _DESCRIBED_AT_ONCE):
        part = slice(start, start + _DESCRIBED_AT_ONCE)
        pixels = miniatures[part].astype(np.float32)
        if len(boxes) == 1:  # one product for all rows of all images
            wide = (pixels.reshape(-1, MINIATURE_EDGE) @ columns[0, 0]).reshape(*pixels.shape[:3], _EDGE)
            seen = rows @ wide
        else:
            seen = rows[part] @ pixels @ columns[part]
        seen -= seen.mean((2, 3), keepdims=True)
        vectors[part] = seen.reshape(len(seen), -1)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _FAINTEST * _EDGE))


def align(first: np.ndarray, second: np.ndarray, boxes: np.ndarray, *, steps: int = 2) -> np.ndarray:
    """Move each box until what it shows of `first` matches the whole of `second`.

    first, second: uint8 (n, 3, 32, 32), of which the luminance is used; boxes: float (n, 4), where to start. Returns
    the boxes, float32 (n, 4). Gauss-Newton steps on the squared difference after brightness and contrast are
    normalised, over a shift and a scale of each axis: Lucas and Kanade, "An iterative image registration technique",
    1981. With the mean gradient of both images two steps come as far as three with that of one: Benhimane and Malis,
    "Real-time image-based tracking of planes using efficient second-order minimization", 2004.
    """
    first, second = first[:, 0].astype(np.float32), _standardised(second[:, 0].astype(np.float32))
    down, right = _gradients(second)
    visible = np.any(second, axis=(1, 2), keepdims=True)[:, 0]
    boxes = boxes.astype(np.float32)
    for _ in range(steps):
        rows = _resampling(boxes[:, 0], boxes[:, 1], MINIATURE_EDGE)[:, 0]
        columns = _resampling(boxes[:, 2], boxes[:, 3], MINIATURE_EDGE)[:, 0].swapaxes(1, 2)
        seen = _standardised(rows @ first @ columns)
        residual = (second - seen).reshape(len(boxes), -1, 1)
        own_down, own_right = _gradients(seen)
        jacobian = _jacobian((down + own_down) / 2, (right + own_right) / 2)
        normal = jacobian @ jacobian.swapaxes(1, 2)
        # A little of the trace (ridge) keeps an image without any gradient from moving at random.
        ridge = 2.5e-4 * np.trace(normal, axis1=1, axis2=2) + 1e-6
        step = np.linalg.solve(normal + ridge[:, None, None] * np.eye(4, dtype=np.float32), jacobian @ residual)
        # The gradients are those along what the box shows, which is a part of the image.
        height, width = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
        step = step[:, :, 0] * np.stack([height, height, width, width], axis=1)
        boxes = boxes + visible * np.clip(step, -_MAX_STEP, _MAX_STEP)
        boxes = np.clip(boxes, (-0.1, 0.7, -0.1, 0.7), (0.3, 1.1, 0.3, 1.1)).astype(np.float32)
    return boxes


def _gradients(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How images (n, 32, 32) change down and to the right, per side of the image; as np.gradient, in half the time."""
    down, right = np.empty_like(images), np.empty_like(images)
    np.subtract(images[:, 2:], images[:, :-2], out=down[:, 1:-1])
    np.subtract(images[:, :, 2:], images[:, :, :-2], out=right[:, :, 1:-1])
    down[:, 0], down[:, -1] = 2 * (images[:, 1] - images[:, 0]), 2 * (images[:, -1] - images[:, -2])
    right[:, :, 0] = 2 * (images[:, :, 1] - images[:, :, 0])
    right[:, :, -1] = 2 * (images[:, :, -1] - images[:, :, -2])
    down *= MINIATURE_EDGE / 2
    right *= MINIATURE_EDGE / 2
    return down, right


def _jacobian(down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How much each pixel changes as the top, bottom, left and right of a box move, float32 (n, 4, 1024)."""
    along = ((np.arange(MINIATURE_EDGE) + 0.5) / MINIATURE_EDGE).astype(np.float32)
    moves = np.empty((len(down), 4, *down.shape[1:]), np.float32)
    np.multiply(down, along[:, None], out=moves[:, 1])
    np.subtract(down, moves[:, 1], out=moves[:, 0])
    np.multiply(right, along, out=moves[:, 3])
    np.subtract(right, moves[:, 3], out=moves[:, 2])
    moves = moves.reshape(len(down), 4, -1)
    moves -= moves.mean(2, keepdims=True)
    return moves


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
