"""The largest face, turned upright: MTCNN (Zhang et al. 2016, arXiv:1604.02878), aligned as in FFHQ.

The square is that of Karras et al. 2018 (arXiv:1812.04948, its data set FFHQ): from both eyes and the mouth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

FILES = ("proposals.onnx", "refinement.onnx", "landmarks.onnx")
"""The three networks: `images` float32 (n, 3, height, width) in; `scores`, `offsets` and, of the last, `points` out."""
LEAST_FACE, LEAST_SHARE = 20, 0.05
"""The smallest face, in pixels, and as a share of the shorter edge of the image."""
LEAST_SCORES = 0.6, 0.7, 0.9
"""Of a face, by each of the networks."""
STEP = 0.709
"""Between two scales at which faces are looked for."""
MOST_PROPOSALS = 256
SMALL, TOO_SMALL = 160, 16
"""Images whose shorter edge is below the first are enlarged to it; below the second nothing is looked for: a strip of
some pixels would become a huge image."""


def open(files: Mapping[str, bytes]) -> Callable[[np.ndarray], np.ndarray | None]:
    """What finds the face, with the networks in these files."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # several images are looked at side by side
    sessions = [
        onnxruntime.InferenceSession(files[name], options, providers=["CPUExecutionProvider"]) for name in FILES
    ]

    def find(pixels: np.ndarray) -> np.ndarray | None:
        height, width = pixels.shape[:2]
        if min(height, width) < TOO_SMALL:
            return None
        scale = max(1.0, SMALL / min(height, width))
        image = Image.fromarray(pixels)
        if scale > 1:
            image = image.resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC)
        points = _largest_face(sessions, image)
        return None if points is None else _aligned(points) / (np.array(image.size) / (width, height))

    return find


def _largest_face(sessions: list[Any], image: Image.Image) -> np.ndarray | None:
    """Eyes, nose and corners of the mouth of the largest face, float (5, 2); None if there is no face."""
    boxes = _proposals(sessions[0], image)
    if not len(boxes):
        return None
    boxes, _ = _judged(sessions[1], image, boxes, 24, LEAST_SCORES[1])
    if not len(boxes):
        return None
    boxes, points = _judged(sessions[2], image, boxes, 48, LEAST_SCORES[2])
    if not len(boxes):
        return None
    return np.asarray(points[int(np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1).argmax())])


def _aligned(points: np.ndarray) -> np.ndarray:
    """The corners of an upright square around a face."""
    left, right, _, mouth_left, mouth_right = points
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    across, down = right - left, mouth - eyes
    x = across - np.array([-down[1], down[0]])
    half = max(2.0 * float(np.linalg.norm(across)), 1.8 * float(np.linalg.norm(down)))
    x *= half / max(float(np.linalg.norm(x)), 1e-6)
    y = np.array([-x[1], x[0]])
    centre = eyes + down * 0.1
    return np.array([centre - x - y, centre + x - y, centre + x + y, centre - x + y])


def _proposals(session: Any, image: Image.Image) -> np.ndarray:
    """Squares where faces may be, float (n, 5): left, top, right, bottom, score."""
    shorter = min(image.size)
    scale, found = 12 / max(LEAST_FACE, LEAST_SHARE * shorter), []
    while shorter * scale >= 12:
        size = (int(image.width * scale + 1), int(image.height * scale + 1))
        scores, offsets = session.run(["scores", "offsets"], {"images": _input([image], size)})
        rows, columns = np.nonzero(scores[0, 1] >= LEAST_SCORES[0])
        corners = np.stack([columns, rows], axis=1) * 2.0
        boxes = np.concatenate([
            np.floor((corners + 1) / scale), np.floor((corners + 12) / scale), scores[0, 1, rows, columns][:, None],
            offsets[0][:, rows, columns].T,
        ], axis=1)  # fmt: skip
        found.append(boxes[_distinct(boxes, 0.5)])
        scale *= STEP
    boxes = np.concatenate(found)
    boxes = boxes[_distinct(boxes, 0.7)]
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")[:MOST_PROPOSALS]]
    return _square(_moved(boxes[:, :5], boxes[:, 5:], 0))


def _judged(
    session: Any, image: Image.Image, boxes: np.ndarray, edge: int, least: float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The boxes that a network takes for faces, moved as it says, and their points, float (n, 5, 2)."""
    parts = [image.crop((round(a), round(b), round(c), round(d))) for a, b, c, d, *_ in boxes.tolist()]
    wanted = [output.name for output in session.get_outputs()]
    found = dict(zip(wanted, session.run(wanted, {"images": _input(parts, (edge, edge))}), strict=True))
    kept = found["scores"][:, 1] > least
    boxes = np.concatenate([boxes[kept, :4], found["scores"][kept, 1:]], axis=1)
    points = np.zeros((len(boxes), 5, 2))
    if "points" in found:
        places = np.stack([found["points"][kept, :5], found["points"][kept, 5:]], axis=2)
        points = boxes[:, None, :2] + places * (boxes[:, None, 2:4] - boxes[:, None, :2])
    boxes = _moved(boxes, found["offsets"][kept], 1)
    first = _distinct(boxes, 0.7, smaller="points" in found)
    return (boxes if "points" in found else _square(boxes))[first], points[first]


def _input(images: list[Image.Image], size: tuple[int, int]) -> np.ndarray:
    """Images of a size (width, height) as a network takes them."""
    pixels = [np.asarray(image.resize(size, Image.Resampling.BILINEAR), np.float32) for image in images]
    return np.ascontiguousarray((np.stack(pixels).transpose(0, 3, 1, 2) - 127.5) / 128)


def _moved(boxes: np.ndarray, offsets: np.ndarray, extra: int) -> np.ndarray:
    """Boxes with their corners moved by shares of their widths and heights."""
    edges = np.tile(boxes[:, 2:4] - boxes[:, :2] + extra, 2)
    return np.concatenate([boxes[:, :4] + offsets * edges, boxes[:, 4:]], axis=1)


def _square(boxes: np.ndarray) -> np.ndarray:
    """Squares with the same centres and the longer edges."""
    edge = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, keepdims=True)
    low = (boxes[:, :2] + boxes[:, 2:4]) / 2 - edge / 2
    return np.concatenate([low, low + edge, boxes[:, 4:]], axis=1)


def _distinct(boxes: np.ndarray, most: float, *, smaller: bool = False) -> np.ndarray:
    """Which boxes are kept, the best first, so that no two overlap by more than a share of both, or of the smaller."""
    areas, left = np.prod(boxes[:, 2:4] - boxes[:, :2] + 1, axis=1), np.argsort(-boxes[:, 4], kind="stable")
    kept: list[int] = []
    while len(left):
        best, others = left[0], left[1:]
        kept.append(int(best))
        low = np.maximum(boxes[others, :2], boxes[best, :2])
        high = np.minimum(boxes[others, 2:4], boxes[best, 2:4])
        common = np.prod(np.maximum(high - low + 1, 0), axis=1)
        whole = np.minimum(areas[others], areas[best]) if smaller else areas[others] + areas[best] - common
        left = others[common <= most * whole]
    return np.array(kept, int)
