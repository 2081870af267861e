"""Laying one small picture on another: which part of the first shows what the second shows."""

from __future__ import annotations

import numpy as np
from PIL import Image

MINIATURE_EDGE = 32
"""Pixels; what is left of a picture at this size is enough to tell copies from strangers."""
_EDGE = 16
"""Pixels of the vectors that are compared: half of the miniature, so that a crop is not blurred by enlarging it."""
_MAX_STEP = 0.06
"""Of the picture's side: further away the gradient says nothing."""
_FAINTEST = 2.0
"""Deviation, in grey levels, below which a picture counts as blank: what it shows then is noise."""

Box = tuple[float, float, float, float]
"""(top, bottom, left, right) in units of the picture's height and width; outside 0..1 its edge goes on."""
WHOLE: Box = (0.0, 1.0, 0.0, 1.0)


def miniature(image: Image.Image) -> np.ndarray:
    """Squash an RGB picture to uint8 (3, 32, 32): luminance and two colour differences."""
    small = image.resize((MINIATURE_EDGE, MINIATURE_EDGE), Image.Resampling.BOX).convert("YCbCr")
    return np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)


def describe(miniatures: np.ndarray, boxes: np.ndarray | Box) -> np.ndarray:
    """What the boxes show, as vectors of mean 0 and length 1 (a blank picture's is shorter).

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
    """Move each box until what it shows of `first` looks like the whole of `second`.

    first, second: uint8 (n, 3, 32, 32), whose luminance is used; boxes: float (n, 4), where to begin; returns the
    same. Gauss-Newton steps on the squared difference, brightness and contrast left out: Lucas and Kanade, "An
    iterative image registration technique", 1981, for shift and scale of each axis.
    """
    n = MINIATURE_EDGE
    first, second = first[:, 0].astype(np.float32), _standard(second[:, 0].astype(np.float32))
    slope_y, slope_x = np.gradient(first, axis=1) * n, np.gradient(first, axis=2) * n
    along = ((np.arange(n) + 0.5) / n).astype(np.float32)
    boxes = boxes.astype(np.float32)
    for _ in range(steps):
        rows = _resampling(boxes[:, 0], boxes[:, 1], n)[:, 0]
        columns = _resampling(boxes[:, 2], boxes[:, 3], n)[:, 0].swapaxes(1, 2)
        seen = rows @ first @ columns
        gain = 1 / (_deviation(seen) + 1e-6)
        missing = (second - _standard(seen)).reshape(len(boxes), -1, 1)
        down, right = rows @ slope_y @ columns * gain, rows @ slope_x @ columns * gain
        moves = (down * (1 - along)[:, None], down * along[:, None], right * (1 - along), right * along)
        jacobian = np.stack([(move - move.mean((1, 2), keepdims=True)).reshape(len(boxes), -1) for move in moves], 1)
        normal = jacobian @ jacobian.swapaxes(1, 2)
        # A little of the trace keeps a picture without any slope from moving at random.
        ridge = 2.5e-4 * np.trace(normal, axis1=1, axis2=2) + 1e-6
        step = np.linalg.solve(normal + ridge[:, None, None] * np.eye(4, dtype=np.float32), jacobian @ missing)
        boxes = boxes + np.clip(step[:, :, 0], -_MAX_STEP, _MAX_STEP)
        boxes = np.clip(boxes, (-0.1, 0.7, -0.1, 0.7), (0.3, 1.1, 0.3, 1.1)).astype(np.float32)
    return boxes


def _standard(pictures: np.ndarray) -> np.ndarray:
    centred = pictures - pictures.mean((1, 2), keepdims=True)
    return np.asarray(centred / (_deviation(pictures) + 1e-6))


def _deviation(pictures: np.ndarray) -> np.ndarray:
    return np.asarray(pictures.std((1, 2), keepdims=True))


def _resampling(low: np.ndarray, high: np.ndarray, size: int) -> np.ndarray:
    """Matrices (n, 1, size, 32) that average the stretch from low to high into `size` pixels."""
    n = MINIATURE_EDGE
    cuts = (low[:, None] + (high - low)[:, None] * np.linspace(0, 1, size + 1, dtype=np.float32)) * n
    pixel = np.arange(n, dtype=np.float32)
    begin, end = pixel.copy(), pixel + 1
    begin[0], end[-1] = -n, 2 * n  # the edge goes on
    overlap = np.minimum(cuts[:, 1:, None], end) - np.maximum(cuts[:, :-1, None], begin)
    weights = np.maximum(overlap, 0)
    return np.asarray((weights / weights.sum(2, keepdims=True))[:, None])
