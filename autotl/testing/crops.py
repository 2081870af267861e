"""Conformance checks for crops."""

from __future__ import annotations

import ast
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from autotl.errors import WeightsError
from autotl.images.cropping import LONGEST_EDGE, Find, open_crop
from autotl.interfaces import Crop
from autotl.testing.support import doing, named, require

_ALLOWED = {"numpy", "PIL", "onnxruntime", *sys.stdlib_module_names}


def check_crop(crop: Crop) -> None:
    """Check that the module stands alone, and that it finds the same corners, or None, each time and in any thread."""
    from autotl.features.crops import keep_crop

    subject = named(crop, "crop")
    require(crop.name != "none", f"{subject}: 'none' stands for whole images; choose another name")
    require(isinstance(crop.module, Path) and crop.module.is_file(), f"{subject}: module {crop.module} is not a file")
    for imported in _imported(ast.parse(crop.module.read_text(encoding="utf-8"))):
        require(
            imported in _ALLOWED,
            f"{subject}: {crop.module.name} imports {imported}; an exported model, which carries it, has only the "
            "standard library, numpy, PIL and onnxruntime",
        )
    with tempfile.TemporaryDirectory(prefix="autotl-crop-") as folder:
        try:
            with doing(f"{subject}: files", WeightsError):
                kept, again = keep_crop(crop, Path(folder)), keep_crop(crop, Path(folder))
        except WeightsError as error:
            raise AssertionError(f"{subject}: it cannot be checked without its weights: {error}") from error
        require(kept.key == again.key, f"{subject}: files() gave other contents the second time")
        with doing(f"{subject}: open"):
            find = open_crop(kept.folder)
        _check_finding(subject, find)


def _check_finding(subject: str, find: Find) -> None:
    images = _images()
    for image in images:
        before, shape = image.copy(), "x".join(map(str, image.shape))
        with doing(f"{subject}: finding in an image of {shape}"):
            found = find(image)
        require((image == before).all(), f"{subject}: it changed the pixels that it was given")
        if found is None:
            continue
        corners = np.asarray(found)
        require(
            corners.shape == (4, 2) and np.isfinite(corners).all(),
            f"{subject}: in an image of {shape} it found {found!r:.100}; expected 4 corners (x, y), or None",
        )
        require(
            _is_clockwise(corners.astype(float)),
            f"{subject}: the corners {corners.tolist()} are not the top left, top right, bottom right and bottom left",
        )
    with ThreadPoolExecutor(4) as pool, doing(f"{subject}: finding in several threads"):
        first, second = (list(pool.map(find, images)) for _ in range(2))
    same = all(
        (one is None and other is None) or (one is not None and other is not None and np.array_equal(one, other))
        for one, other in zip(first, second, strict=True)
    )
    require(same, f"{subject}: it found something else in the same image the second time")


def _images() -> list[np.ndarray]:
    """Black, white, noise, a bright square before a dark background, and images of one pixel and of a long strip."""
    rng = np.random.default_rng(0)
    square = np.full((240, LONGEST_EDGE, 3), 30, np.uint8)
    square[60:160, 100:220] = 220
    return [
        np.zeros((96, 128, 3), np.uint8), np.full((96, 128, 3), 255, np.uint8),
        rng.integers(0, 256, (160, 120, 3)).astype(np.uint8), square, np.full((1, 1, 3), 9, np.uint8),
        rng.integers(0, 256, (3, LONGEST_EDGE, 3)).astype(np.uint8),
    ]  # fmt: skip


def _is_clockwise(corners: np.ndarray) -> bool:
    x, y = corners.T
    return bool((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() >= 0)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0] if not node.level else "another file of its package"
